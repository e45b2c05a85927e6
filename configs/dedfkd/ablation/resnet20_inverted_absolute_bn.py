"""Ablation: the BN loss in the teacher's own units, with the weight of the older recipe."""

from mmengine.config import read_base

from mmdfkd.models.losses import BNStatisticsLoss

with read_base():
    from .resnet20_inverted import *

model['loss_bn'] = dict(type=BNStatisticsLoss, loss_weight=0.5)
