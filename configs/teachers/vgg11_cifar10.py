"""VGG-11 on CIFAR-10."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.models.cifar_networks import data_preprocessor, vgg11
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/teachers/vgg11_cifar10'
model = dict(**vgg11, data_preprocessor=data_preprocessor)
