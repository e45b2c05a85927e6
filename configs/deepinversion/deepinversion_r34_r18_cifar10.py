"""DeepInversion, ResNet-34 -> ResNet-18 on CIFAR-10, as its authors publish it.

The images' numbers are those of NVlabs/DeepInversion, cifar10/README.md ("paper parameters")
and the defaults of cifar10/deepinversion_cifar10.py. It has no code for the student, whose side
is CMI's here. The teacher is mmpretrain's public one.
"""

from mmengine.config import read_base
from torch.optim import Adam

from mmdfkd.models.distillers import DeepInversion
from mmdfkd.models.losses import BNStatisticsLoss, ClassConditionLoss, NeighbourVariationLoss

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.inversion_cifar import *
    from .._base_.models.cifar_networks import resnet18, resnet34

model.update(
    type=DeepInversion,
    image_shape=(3, 32, 32),
    inversion_steps=2000,
    optimizer=dict(type=Adam, lr=0.05),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=1.0),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=10.0),
    loss_tv=dict(type=NeighbourVariationLoss, norm='l2', loss_weight=2.5e-5),
    jitter=2,
    flip=False,
    channels_last=True,
)
model['teacher'].update(
    network=resnet34,
    checkpoint='https://download.openmmlab.com/mmclassification/v0/resnet/'
    'resnet34_b16x8_cifar10_20210528-a8aa36a6.pth',
    how_to_get='or train one: mmdfkd train configs/teachers/resnet34_cifar10.py, '
    'then set model.teacher.checkpoint='
    'work_dirs/teachers/resnet34_cifar10/epoch_200.pth',
)
model['student'].update(network=resnet18)
