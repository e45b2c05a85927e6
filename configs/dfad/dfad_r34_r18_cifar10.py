"""DFAD, ResNet-34 -> ResNet-18 on CIFAR-10, as published; the teacher is mmpretrain's public one.

Source of every number: DFAD_cifar.py with --scheduler, as its README has it (VainF/
Data-Free-Adversarial-Distillation, commit c161591). Not measured here.
"""

from mmengine.config import read_base
from mmengine.optim import MultiStepLR

from mmdfkd.models.distillers import DFAD
from mmdfkd.models.losses import AdversarialLoss, KDLoss

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
model.update(
    type=DFAD,
    loss_adv=dict(type=AdversarialLoss, divergence='l1', agreement_mask=False),
    loss_kd=dict(type=KDLoss, divergence='l1'),
    g_steps=1,
    kd_steps=5,
)
epoch = 50  # rounds
train_cfg.update(max_iters=500 * epoch, val_interval=10 * epoch)
milestones = [100 * epoch, 200 * epoch]
param_scheduler = dict(
    generator=[dict(type=MultiStepLR, milestones=milestones, by_epoch=False)],
    student=[dict(type=MultiStepLR, milestones=milestones, by_epoch=False)],
)
