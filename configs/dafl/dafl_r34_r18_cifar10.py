"""DAFL, ResNet-34 -> ResNet-18 on CIFAR-10, as published; the teacher is mmpretrain's public one.

Source of every number: README.md and DAFL-train.py of the authors' code (huawei-noah/
Efficient-Computing, commit 225ddd2). Not measured here.
"""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.losses import (
    ActivationLoss,
    InformationEntropyLoss,
    KDLoss,
    PseudoLabelLoss,
)

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.live_cifar import *
    from .._base_.models.cifar_networks import resnet18, resnet34

model['teacher'].update(
    network=resnet34,
    checkpoint='https://download.openmmlab.com/mmclassification/v0/resnet/'
    'resnet34_b16x8_cifar10_20210528-a8aa36a6.pth',
    how_to_get='or train one: mmdfkd train configs/teachers/resnet34_cifar10.py, '
    'then set model.teacher.checkpoint='
    'work_dirs/teachers/resnet34_cifar10/epoch_200.pth',
)
model['student'].update(network=resnet18)
model['generator'].update(latent_dim=1000)
model.update(
    type=DAFL,
    loss_pseudo_label=dict(type=PseudoLabelLoss, loss_weight=0.05),
    loss_entropy=dict(type=InformationEntropyLoss, loss_weight=2.17),  # 5, of log10
    loss_act=dict(type=ActivationLoss, loss_weight=0.01),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=1.0),
    g_steps=1,
    kd_steps=1,
)
train_dataloader.update(batch_size=1024)
auto_scale_lr.update(base_batch_size=1024)
epoch = 120  # rounds
train_cfg.update(max_iters=2000 * epoch, val_interval=10 * epoch)
optim_wrapper['generator']['optimizer'].update(lr=0.02)
param_scheduler = dict(
    generator=[],
    student=[dict(type=MultiStepLR, milestones=[800 * epoch, 1600 * epoch], by_epoch=False)],
)
