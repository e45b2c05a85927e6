"""MNIST ablation: DAFL's objective with an unconditional generator."""

from mmengine.config import read_base

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss

with read_base():
    from .lenet5_mnist_m4 import *

model = dict(
    type=DAFL,
    data_preprocessor=data_preprocessor,
    teacher=model['teacher'],
    student=model['student'],
    generator=dict(
        type=UnconditionalGenerator,
        latent_dim=100,
        image_size=32,
        out_channels=1,
        base_channels=16,
        subpixel=True,
        median_pixel=33.46,
    ),
    loss_pseudo_label=dict(type=PseudoLabelLoss, loss_weight=1.0),
    loss_entropy=dict(type=InformationEntropyLoss, loss_weight=5.0),
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
    loss_kd=model['loss_kd'],
    g_steps=1,
    kd_steps=10,
    kd_batch_size=128,
    bank_capacity=6400,
)
