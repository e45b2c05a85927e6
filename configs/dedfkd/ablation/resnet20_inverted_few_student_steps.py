"""Ablation: 12 student steps a round, as the older recipe had."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(kd_steps=12)
