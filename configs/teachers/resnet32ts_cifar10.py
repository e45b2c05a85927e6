"""timm's ResNet-32-TS on CIFAR-10."""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.models.cifar_networks import data_preprocessor
    from .._base_.models.timm_cifar_networks import resnet32ts
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/teachers/resnet32ts_cifar10'
model = dict(**resnet32ts, data_preprocessor=data_preprocessor)
