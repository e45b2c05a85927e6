"""DeepInversion with competition (ADI), WRN-40-2 -> WRN-16-1 on CIFAR-10, as CMI compares it.

All numbers are those of zju-vipa/CMI, scripts/deepinv/deepinv_cifar10_wrn402_wrn161.sh and
datafree/synthesis/deepinversion.py, which publishes 83.04 %. The teacher is trained here.
"""

from mmengine.config import read_base
from torch.optim import Adam

from mmdfkd.models.distillers import DeepInversion
from mmdfkd.models.losses import (
    BNStatisticsLoss,
    ClassConditionLoss,
    CompetitionLoss,
    NeighbourVariationLoss,
)

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.inversion_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

model.update(
    type=DeepInversion,
    image_shape=(3, 32, 32),
    inversion_steps=1000,
    optimizer=dict(type=Adam, lr=0.1, betas=(0.5, 0.99)),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=1.0),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=10.0),
    loss_tv=dict(type=NeighbourVariationLoss, norm='l1', loss_weight=1e-3),
    loss_compete=dict(type=CompetitionLoss, loss_weight=1.0, temperature=3.0),
    jitter=4,  # an eighth of the side
    flip=True,
    channels_last=True,
)
model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
