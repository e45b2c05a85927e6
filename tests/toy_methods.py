"""A toy distiller of every method: 8-pixel images, 3 classes, nets with batch norm."""

import torch
from toy import NUM_CLASSES, toy_dedfkd, toy_parts

from mmdfkd.models.distillers import DAFL, NAYER, FastDatafree
from mmdfkd.models.generators import NoisyLabelGenerator, UnconditionalGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    ClassConditionLoss,
    InformationEntropyLoss,
    PseudoLabelLoss,
    RunningBNStatisticsLoss,
)


def toy_unconditional():
    return dict(type=UnconditionalGenerator, latent_dim=5, image_size=8, base_channels=2)


def toy_dafl(**overrides):
    losses = dict(
        generator=toy_unconditional(),
        loss_pseudo_label=PseudoLabelLoss(),
        loss_entropy=InformationEntropyLoss(),
        loss_act=ActivationLoss(),
    )
    return DAFL(**toy_parts(**(losses | overrides)))


def toy_fast_losses():
    return dict(
        loss_ce=ClassConditionLoss(0.4),
        loss_bn=RunningBNStatisticsLoss(2.0),
        loss_adv=AdversarialLoss(1.1),
        inner_optimizer=dict(type=torch.optim.Adam, lr=3e-3, betas=(0.5, 0.999)),
        inversion_steps=2,
    )


def toy_inversion_parts(**overrides):
    parts = toy_parts(**overrides)
    del parts['g_steps']
    return parts


def toy_fast_datafree(**overrides):
    parts = dict(toy_fast_losses(), generator=toy_unconditional(), latent_lr=0.01)
    return FastDatafree(**toy_inversion_parts(**(parts | overrides)))


def toy_nayer(**overrides):
    generator = dict(
        type=NoisyLabelGenerator,
        num_classes=NUM_CLASSES,
        code_dim=7,
        noise_dim=5,
        image_size=8,
        base_channels=2,
    )
    parts = dict(toy_fast_losses(), generator=generator)
    return NAYER(**toy_inversion_parts(**(parts | overrides)))


#: Builders by the method's name; each takes overrides of the distiller's arguments.
METHODS = dict(
    dedfkd=toy_dedfkd,
    dafl=toy_dafl,
    fast_datafree=toy_fast_datafree,
    nayer=toy_nayer,
)
