"""Ablation: no adversary."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(loss_adv=None)
