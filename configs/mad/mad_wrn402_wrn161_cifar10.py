"""MAD, WRN-40-2 -> WRN-16-1 on CIFAR-10; the teacher is trained here.

Published: the momentum. There is no public code, and the paper's table of the other numbers was
not at hand: they are those of DFQ in CMI's code for this pair. Not measured.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR

from mmdfkd.models.distillers import MAD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import AdversarialLoss, BNStatisticsLoss, ClassConditionLoss, KDLoss

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.live_cifar import *
    from .._base_.models.cifar_networks import wrn16_1, wrn40_2

model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1)
model['generator'].update(type=ConditionalGenerator, num_classes=10, label_injection='sum')
model.update(
    type=MAD,
    loss_adv=dict(type=AdversarialLoss, divergence='kl', agreement_mask=False),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=1.0),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=1.0),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=1.0, loss_weight=1.0),
    loss_kd_ema=dict(type=KDLoss, divergence='kl', temperature=1.0, loss_weight=1.0),
    momentum=0.95,
    g_steps=1,
    kd_steps=10,
)
epoch = 40  # rounds: 400 student steps
train_cfg.update(max_iters=200 * epoch, val_interval=5 * epoch)
optim_wrapper['generator']['optimizer'].update(betas=(0.5, 0.999))
optim_wrapper['student']['optimizer'].update(weight_decay=1e-4)
param_scheduler = dict(
    generator=[],
    student=[dict(type=CosineAnnealingLR, by_epoch=False)],
)
