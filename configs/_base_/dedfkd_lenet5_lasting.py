"""DE-DFKD, LeNet-5 -> LeNet-5-half, with a generator that lasts for hundreds of rounds.

The recipe of the quickstart and the ablation, and older than dedfkd_lenet5.py.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.engine.schedulers import CosinePeriodLR
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
    PixelStatisticsLoss,
    TotalVariationLoss,
)
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import RandomAffine, RandomErase

with read_base():
    from .default_runtime import *
    from .models.lenet5_networks import data_preprocessor, lenet5, lenet5_half

rounds = 1000
restart = 500  # rounds of one generator
batch_size = 128
model = dict(
    type=DEDFKD,
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier, network=lenet5),
    student=dict(type=Classifier, network=lenet5_half),
    generator=dict(
        type=ConditionalGenerator,
        num_classes=10,
        latent_dim=100,
        image_size=32,
        out_channels=1,
        base_channels=16,
        subpixel=True,
        median_pixel=8.0,  # a mean of 33 and a std of 79: most pixels are background
    ),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=0.2),
    loss_adv=dict(type=AdversarialLoss, divergence='relative_l1', agreement_mask=False),
    loss_metric=dict(
        type=MetricLearningLoss,
        objective='M4',
        loss_weight=3.0,
        gate=0.0,
        spread=0.3,
        separation=0.1,
    ),
    loss_act=dict(type=ActivationLoss, loss_weight=0.5, logarithmic=True),
    image_priors=dict(
        pixel=dict(type=PixelStatisticsLoss, loss_weight=1.0),
        tv=dict(type=TotalVariationLoss, loss_weight=0.3),
    ),
    loss_kd=dict(type=KDLoss, divergence='l1'),
    g_steps=1,
    kd_steps=10,
    kd_batch_size=batch_size,
    augment=[
        dict(type=RandomAffine, shift=6.0, degrees=20.0, scale=0.1),
        dict(type=RandomErase, probability=0.5, fill=0.0),
    ],
    # The images of two generators: with a short memory the student forgets the easy ones.
    memory=dict(type=ImageMemory, capacity=2 * restart * batch_size),
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=rounds, val_interval=250)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    generator=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3, betas=(0.5, 0.999))),
    student=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=4e-3)),
)
param_scheduler = dict(
    generator=[dict(type=CosinePeriodLR, period=restart, eta_min_ratio=0.05, by_epoch=False)],
    student=[dict(type=CosineAnnealingLR, eta_min_ratio=0.005, by_epoch=False)],
)
default_hooks['generator_restart'] = dict(type=GeneratorRestartHook, interval=restart)
