"""DE-DFKD on CIFAR-100: CIFAR-10's settings for 100 classes."""

from mmengine.config import read_base

with read_base():
    from .dedfkd_cifar import *

model['generator'].update(num_classes=100)
train_dataloader['dataset'].update(num_classes=100)
