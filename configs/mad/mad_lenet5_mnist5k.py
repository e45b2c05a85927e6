"""MAD, LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k: minutes of a CPU."""

from mmengine.config import read_base

from mmdfkd.models.distillers import MAD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import AdversarialLoss, ClassConditionLoss, KDLoss

with read_base():
    from .._base_.live_lenet5 import *

model['generator'].update(type=ConditionalGenerator, num_classes=10, label_injection='sum')
model.update(
    type=MAD,
    loss_adv=dict(type=AdversarialLoss, divergence='l1', agreement_mask=False),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=1.0),
    loss_kd=dict(type=KDLoss, divergence='l1', loss_weight=1.0),
    loss_kd_ema=dict(type=KDLoss, divergence='l1', loss_weight=1.0),
    momentum=0.95,
    g_steps=1,
    kd_steps=5,
)
