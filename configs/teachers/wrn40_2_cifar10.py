"""WRN-40-2 on CIFAR-10."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.models.cifar_networks import data_preprocessor, wrn40_2
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/teachers/wrn40_2_cifar10'
model = dict(**wrn40_2, data_preprocessor=data_preprocessor)
