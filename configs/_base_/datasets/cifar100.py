"""CIFAR-100, for evaluation: mmpretrain's data set, or see cifar100_folder.py."""

from mmengine.config import read_base

from mmdfkd.datasets import CIFAR100

with read_base():
    from .cifar10 import *

val_dataloader['dataset'].update(type=CIFAR100, data_root='data/cifar100')
test_dataloader = val_dataloader
