"""Ablation: no metric loss, neither on features nor on maps."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(loss_metric=None, loss_layout=None, layout_layers=[])
