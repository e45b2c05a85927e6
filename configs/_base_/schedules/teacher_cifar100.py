"""Training of a CIFAR-100 teacher: CIFAR-10's settings."""

from mmengine.config import read_base

from mmdfkd.datasets import CIFAR100

with read_base():
    from .teacher_cifar import *

train_dataloader['dataset'].update(type=CIFAR100, data_root='data/cifar100')
