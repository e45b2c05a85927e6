"""DFQ, WRN-40-2 -> WRN-16-1 on CIFAR-10, as in the field's tables; the teacher is trained here.

Source of every number: scripts/dfq/dfq_cifar10_wrn402_wrn161.sh and datafree_kd.py of CMI's code
(zju-vipa/CMI), whose DFQ is the one that CMI, Fast and others compare with. README.md says where
the paper differs. Not measured here.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR

from mmdfkd.models.distillers import DFQ
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    InformationEntropyLoss,
    KDLoss,
    PseudoLabelLoss,
)

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
model.update(
    type=DFQ,
    loss_adv=dict(type=AdversarialLoss, divergence='kl', agreement_mask=False),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=1.0),
    loss_instance=dict(type=PseudoLabelLoss, loss_weight=1.0),
    loss_batch=dict(type=InformationEntropyLoss, loss_weight=20.0),
    # Its option -T 20 does not reach the loss of this method: the temperature there is 1.
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=1.0),
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
