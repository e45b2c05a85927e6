"""Ablation: the metric loss on features alone."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(loss_layout=None, layout_layers=[])
