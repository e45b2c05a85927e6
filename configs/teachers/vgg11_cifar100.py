"""VGG-11 on CIFAR-100."""

from mmengine.config import read_base

from mmdfkd.datasets import CIFAR100

with read_base():
    from .._base_.cifar100 import *
    from .._base_.cifar_networks import data_preprocessor, vgg11
    from .._base_.teacher_cifar import *

work_dir = 'work_dirs/teachers/vgg11_cifar100'
vgg11['head'].update(num_classes=100)
model = dict(**vgg11, data_preprocessor=data_preprocessor)
train_dataloader['dataset'].update(type=CIFAR100, data_root='data/cifar100')
