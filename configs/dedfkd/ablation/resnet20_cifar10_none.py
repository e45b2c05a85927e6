"""CIFAR-10 ablation: conditional, but without a metric term."""

from mmengine.config import read_base

with read_base():
    from .resnet20_cifar10_m4 import *

model.update(loss_metric=None)
