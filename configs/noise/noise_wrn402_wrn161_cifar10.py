"""The floor of Gaussian noise, WRN-40-2 -> WRN-16-1 on CIFAR-10; the teacher is trained here."""

from mmengine.config import read_base

from mmdfkd.models.distillers import GaussianNoise

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.inversion_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

model.update(type=GaussianNoise, image_shape=(3, 32, 32), channels_last=True)
model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
