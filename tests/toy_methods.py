"""A toy distiller of every method: 8-pixel images, 3 classes, nets with batch norm."""

import torch
from toy import NUM_CLASSES, toy_dedfkd, toy_parts
from toy_images import image_folder

from mmdfkd.models.distillers import (
    CMI,
    DAFL,
    DFAD,
    DFQ,
    MAD,
    NAYER,
    ZSKT,
    DeepInversion,
    FastDatafree,
    GaussianNoise,
    OtherImages,
)
from mmdfkd.models.generators import (
    ConditionalGenerator,
    NoisyLabelGenerator,
    UnconditionalGenerator,
)
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    AttentionTransferLoss,
    BNDivergenceLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    CompetitionLoss,
    ContrastiveInversionLoss,
    ImageNormLoss,
    InformationEntropyLoss,
    InstanceEntropyLoss,
    KDLoss,
    NeighbourVariationLoss,
    PseudoLabelLoss,
    RunningBNStatisticsLoss,
)
from mmdfkd.models.utils import RandomResizedCrop, ShiftFlip


def without_generator(**overrides):
    """The toy's parts of a method that has no generator, with 8-pixel images."""
    parts = toy_parts(**(dict(image_shape=(3, 8, 8)) | overrides))
    return {name: part for name, part in parts.items() if name not in ('generator', 'g_steps')}


def toy_unconditional():
    return dict(type=UnconditionalGenerator, latent_dim=5, image_size=8, base_channels=2)


def toy_live(**overrides):
    """Parts of a method whose student learns from the live generator: no memory."""
    return toy_parts(**(dict(generator=toy_unconditional(), memory=None, augment=None) | overrides))


def toy_dafl(**overrides):
    losses = dict(
        loss_pseudo_label=PseudoLabelLoss(),
        loss_entropy=InformationEntropyLoss(),
        loss_act=ActivationLoss(),
    )
    return DAFL(**toy_live(**(losses | overrides)))


def toy_dafl_memory(**overrides):
    """DAFL's objective alone, in a student phase with a memory."""
    memory = {key: value for key, value in toy_parts().items() if key in ('memory', 'augment')}
    return toy_dafl(**(memory | overrides))


def toy_dfad(**overrides):
    losses = dict(loss_adv=AdversarialLoss(1.0, 'l1', agreement_mask=False), loss_kd=KDLoss('l1'))
    return DFAD(**toy_live(**(losses | overrides)))


def toy_zskt(**overrides):
    losses = dict(
        loss_adv=AdversarialLoss(1.0, agreement_mask=False),
        loss_at=AttentionTransferLoss(250.0),
        teacher_layers=['0', '2'],
        student_layers=['0', '2'],
    )
    return ZSKT(**toy_live(**(losses | overrides)))


def toy_dfq(**overrides):
    losses = dict(
        loss_adv=AdversarialLoss(1.0, agreement_mask=False),
        loss_bn=BNDivergenceLoss(0.5),
        loss_instance=InstanceEntropyLoss(0.7),
        loss_batch=InformationEntropyLoss(3.0),
    )
    return DFQ(**toy_live(**(losses | overrides)))


def toy_mad(**overrides):
    parts = dict(
        generator=dict(
            type=ConditionalGenerator,
            num_classes=NUM_CLASSES,
            latent_dim=5,
            image_size=8,
            base_channels=2,
            label_injection='sum',
        ),
        loss_adv=AdversarialLoss(1.0, agreement_mask=False),
        loss_kd_ema=KDLoss('kl', temperature=4.0, loss_weight=0.5),
        loss_ce=ClassConditionLoss(0.5),
        loss_bn=BNStatisticsLoss(2.0),
        momentum=0.75,
    )
    return MAD(**toy_live(**(parts | overrides)))


def toy_noise(**overrides):
    return GaussianNoise(**without_generator(**overrides))


def toy_other_images(**overrides):
    return OtherImages(**without_generator(**(dict(root=image_folder()) | overrides)))


def toy_deepinversion(**overrides):
    losses = dict(
        loss_ce=ClassConditionLoss(),
        loss_bn=BNStatisticsLoss(2.0, first_bn_multiplier=3.0),
        loss_tv=NeighbourVariationLoss('l2', 0.01),
        loss_l2=ImageNormLoss(0.01),
        loss_compete=CompetitionLoss(),
    )
    numbers = dict(inversion_steps=3, optimizer=dict(type='Adam', lr=0.1), jitter=1, flip=True)
    return DeepInversion(**without_generator(**(losses | numbers | overrides)))


def toy_cmi(**overrides):
    parts = dict(
        generator=toy_unconditional(),
        loss_ce=ClassConditionLoss(),
        loss_bn=BNStatisticsLoss(),
        loss_cr=ContrastiveInversionLoss(),
        loss_adv=AdversarialLoss(0.5),
        global_view=[ShiftFlip(pad=1)],
        local_view=[RandomResizedCrop(), ShiftFlip(pad=0)],
    )
    numbers = dict(head_dim=5, bank_size=16, num_negatives=8, inversion_steps=3)
    options = parts | numbers | dict(optimizer=dict(type='Adam', lr=1e-3)) | overrides
    arguments = toy_parts(**options)
    del arguments['g_steps']
    return CMI(**arguments)


def toy_fast_losses():
    return dict(
        loss_ce=ClassConditionLoss(0.4),
        loss_bn=RunningBNStatisticsLoss(2.0),
        loss_adv=AdversarialLoss(1.1),
        optimizer=dict(type=torch.optim.Adam, lr=3e-3, betas=(0.5, 0.999)),
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
    dafl_memory=toy_dafl_memory,
    dfad=toy_dfad,
    zskt=toy_zskt,
    dfq=toy_dfq,
    mad=toy_mad,
    noise=toy_noise,
    other_images=toy_other_images,
    deepinversion=toy_deepinversion,
    cmi=toy_cmi,
    fast_datafree=toy_fast_datafree,
    nayer=toy_nayer,
)
