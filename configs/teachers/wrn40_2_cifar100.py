"""WRN-40-2 on CIFAR-100."""

from mmengine.config import read_base

from mmdfkd.datasets import CIFAR100

with read_base():
    from .._base_.cifar100 import *
    from .._base_.cifar_networks import data_preprocessor, wrn40_2
    from .._base_.teacher_cifar import *

work_dir = 'work_dirs/teachers/wrn40_2_cifar100'
wrn40_2['head'].update(num_classes=100)
model = dict(**wrn40_2, data_preprocessor=data_preprocessor)
train_dataloader['dataset'].update(type=CIFAR100, data_root='data/cifar100')
