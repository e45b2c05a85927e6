"""DE-DFKD on CIFAR-100: CIFAR-10's settings for 100 classes."""

from mmengine.config import read_base

with read_base():
    from .dedfkd_cifar import *

model['generator'].update(num_classes=100)
train_dataloader['dataset'].update(num_classes=100)
# NAYER's batch of synthetic images: the metric loss needs several of a class.
train_dataloader.update(batch_size=400)
model['memory'].update(capacity=2 * restart * 400)
auto_scale_lr.update(base_batch_size=400)
