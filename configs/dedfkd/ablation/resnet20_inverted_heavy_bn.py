"""Ablation: the BN loss six times as heavy."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model['loss_bn'].update(loss_weight=48.0)
