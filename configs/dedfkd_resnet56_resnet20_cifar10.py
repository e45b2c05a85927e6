"""DE-DFKD, the public thin ResNet-56 -> ResNet-20 on CIFAR-10; not tuned."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.resnet20_cifar import resnet20, resnet56
    from .dedfkd_resnet20_resnet8_cifar10 import *

model['teacher'].update(
    checkpoint='data/teachers/resnet56_cifar10.th',
    how_to_get='bring it: mmdfkd prepare-teachers',
)
model['teacher']['network'] = resnet56  # update() would merge the two
model['student']['network'] = resnet20
