"""DE-DFKD, LeNet-5 -> LeNet-5-half, with an inverted generator of flat layers.

As dedfkd_inverted.py for a teacher without batch norms: the generator's dense layer is drawn
anew every round, and a few steps on one batch of latents make the round's images. The student
starts as a part of the teacher. The numbers were chosen on Fashion-MNIST's training images.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import Adam, AdamW

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import LayeredGenerator
from mmdfkd.models.losses import (
    ActivationLoss,
    AdversarialLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
    PixelStatisticsLoss,
    TotalVariationLoss,
)
from mmdfkd.models.memories import ImageBank
from mmdfkd.models.utils import RandomAffine, RandomErase

with read_base():
    from .default_runtime import *
    from .models.lenet5_networks import data_preprocessor, lenet5, lenet5_half

rounds = 200
warmup = 30
batch_size = 128
model = dict(
    type=DEDFKD,
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier, network=lenet5),
    student=dict(type=Classifier, network=lenet5_half, init_from_teacher=True),
    generator=dict(
        type=LayeredGenerator,
        num_classes=10,
        latent_dim=100,
        image_size=32,
        out_channels=1,
        base_channels=16,
    ),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=0.2),
    loss_adv=dict(
        type=AdversarialLoss, loss_weight=0.5, divergence='relative_l1', agreement_mask=False
    ),
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
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    fixed_latents=True,
    g_steps=10,
    warmup_rounds=warmup,  # without the adversary
    kd_steps=60,
    kd_batch_size=batch_size,
    augment=[
        dict(type=RandomAffine, shift=4.0, degrees=15.0, scale=0.15),
        dict(type=RandomErase, probability=0.5, fill=0.0),
    ],
    memory=dict(type=ImageBank, capacity=rounds * batch_size),
)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=rounds, val_interval=20)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    generator=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=4e-3, betas=(0.5, 0.999))),
    student=dict(type=OptimWrapper, optimizer=dict(type=AdamW, lr=2e-3, weight_decay=1e-4)),
)
param_scheduler = dict(
    generator=[],
    student=[
        dict(type=CosineAnnealingLR, begin=warmup, eta_min_ratio=1e-3, by_epoch=False),
    ],
)
default_hooks['logger'].update(interval=10)
default_hooks['checkpoint'].update(interval=20)
default_hooks['generator_restart'] = dict(type=GeneratorRestartHook, interval=1, layer='dense')
