"""CMI, WRN-40-2 -> WRN-16-1 on CIFAR-10, from scratch.

All numbers are those of zju-vipa/CMI, scripts/cmi/scratch_cmi_cifar10_wrn402_wrn161.sh and
datafree_kd.py, which publishes 88.82 % (90.01 % with a set of images made before, which its
adv_cmi script begins with). The teacher is trained here.
"""

from mmengine.config import read_base
from mmengine.optim import OptimWrapper
from torch.optim import Adam

from mmdfkd.models.distillers import CMI
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    ContrastiveInversionLoss,
)
from mmdfkd.models.utils import RandomResizedCrop, ShiftFlip

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.inversion_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

model.update(
    type=CMI,
    generator=dict(
        type=UnconditionalGenerator,
        latent_dim=256,
        image_size=32,
        out_channels=3,
        base_channels=64,
        pixel_norm=False,
    ),
    inversion_steps=200,
    optimizer=dict(type=Adam, lr=1e-3, betas=(0.5, 0.999)),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=1.0),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=1.0),
    loss_cr=dict(type=ContrastiveInversionLoss, loss_weight=0.8, temperature=0.1),
    loss_adv=dict(type=AdversarialLoss, loss_weight=0.5, divergence='kl', agreement_mask=True),
    global_view=[dict(type=ShiftFlip, pad=4, flip=True)],
    local_view=[
        dict(type=RandomResizedCrop, scale=(0.25, 1.0)),
        dict(type=ShiftFlip, pad=0, flip=True),
    ],
    head_dim=256,
    bank_size=40960,
    num_negatives=4096,
    kd_batch_size=128,
    channels_last=True,
)
model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
optim_wrapper['head'] = dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3))
param_scheduler['head'] = []
