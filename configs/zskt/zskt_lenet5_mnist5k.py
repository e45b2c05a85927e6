"""ZSKT, LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k: minutes of a CPU."""

from mmengine.config import read_base

from mmdfkd.models.distillers import ZSKT
from mmdfkd.models.losses import AdversarialLoss, AttentionTransferLoss, KDLoss

with read_base():
    from .._base_.live_lenet5 import *

maps = ['backbone.features.2', 'backbone.features.5']  # after each pooling
# Weights, rates and clipping of zskt_wrn402_wrn161_cifar10.py; 80,000 rounds there.
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
optim_wrapper['generator'].update(clip_grad=dict(max_norm=5.0))
optim_wrapper['student'].update(clip_grad=dict(max_norm=5.0))
