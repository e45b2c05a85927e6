"""ResNet-34 on CIFAR-100."""

from mmengine.config import read_base

from mmdfkd.datasets import CIFAR100

with read_base():
    from .._base_.cifar100 import *
    from .._base_.cifar_networks import data_preprocessor, resnet34
    from .._base_.teacher_cifar import *

work_dir = 'work_dirs/teachers/resnet34_cifar100'
resnet34['head'].update(num_classes=100)
model = dict(**resnet34, data_preprocessor=data_preprocessor)
train_dataloader['dataset'].update(type=CIFAR100, data_root='data/cifar100')
