"""DAFL, LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k: minutes of a CPU."""

from mmengine.config import read_base

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.losses import (
    ActivationLoss,
    InformationEntropyLoss,
    KDLoss,
    PseudoLabelLoss,
)

with read_base():
    from .._base_.live_lenet5 import *

# Weights of DAFL-train.py's options for MNIST; 200 epochs x 120 rounds of 512 images there.
model.update(
    type=DAFL,
    loss_pseudo_label=dict(type=PseudoLabelLoss, loss_weight=1.0),
    loss_entropy=dict(type=InformationEntropyLoss, loss_weight=2.17),  # 5, of log10
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=1.0),
    g_steps=1,
    kd_steps=1,
)
train_cfg.update(max_iters=6000, val_interval=1500)
