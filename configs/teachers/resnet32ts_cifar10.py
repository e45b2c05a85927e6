"""timm's ResNet-32-TS on CIFAR-10."""

from mmengine.config import read_base

with read_base():
    from .._base_.cifar10 import *
    from .._base_.cifar_networks import data_preprocessor
    from .._base_.teacher_cifar import *
    from .._base_.timm_cifar_networks import resnet32ts

work_dir = 'work_dirs/teachers/resnet32ts_cifar10'
model = dict(**resnet32ts, data_preprocessor=data_preprocessor)
