"""ResNet-34 on CIFAR-100."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar100 import *
    from .._base_.models.cifar100_networks import data_preprocessor, resnet34
    from .._base_.schedules.teacher_cifar100 import *

work_dir = 'work_dirs/teachers/resnet34_cifar100'
model = dict(**resnet34, data_preprocessor=data_preprocessor)
