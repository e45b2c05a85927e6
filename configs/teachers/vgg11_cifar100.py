"""VGG-11 on CIFAR-100."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar100 import *
    from .._base_.models.cifar100_networks import data_preprocessor, vgg11
    from .._base_.schedules.teacher_cifar100 import *

work_dir = 'work_dirs/teachers/vgg11_cifar100'
model = dict(**vgg11, data_preprocessor=data_preprocessor)
