"""ZSKT, WRN-40-2 -> WRN-16-1 on CIFAR-10, as published; the teacher is trained here.

Source of every number: scripts/ZeroShot/main2.sh and solver.py of the authors' code (polo5/
ZeroShotKnowledgeTransfer, commit e24915d). Not measured here.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR
from torch.optim import Adam

from mmdfkd.models.distillers import ZSKT
from mmdfkd.models.losses import AdversarialLoss, AttentionTransferLoss, KDLoss

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
model['generator'].update(latent_dim=100)
maps = ['backbone.block1', 'backbone.block2', 'backbone.block3']
# A tenth: their divergence is a mean over the 10 classes, too.
model.update(
    type=ZSKT,
    loss_adv=dict(type=AdversarialLoss, loss_weight=0.1, divergence='kl', agreement_mask=False),
    loss_kd=dict(type=KDLoss, loss_weight=0.1, divergence='kl', temperature=1.0),
    loss_at=dict(type=AttentionTransferLoss, loss_weight=250.0),
    teacher_layers=maps,
    student_layers=maps,
    g_steps=1,
    kd_steps=10,
)
train_dataloader.update(batch_size=128)
auto_scale_lr.update(base_batch_size=128)
train_cfg.update(max_iters=80000, val_interval=800)
optim_wrapper['generator'].update(clip_grad=dict(max_norm=5.0))
optim_wrapper['student'] = dict(
    type=OptimWrapper, optimizer=dict(type=Adam, lr=2e-3), clip_grad=dict(max_norm=5.0)
)
param_scheduler = dict(
    generator=[dict(type=CosineAnnealingLR, by_epoch=False)],
    student=[dict(type=CosineAnnealingLR, by_epoch=False)],
)
