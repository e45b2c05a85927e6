"""DE-DFKD on CIFAR-10 with a generator that lasts; networks and data set are the config's.

Loss weights and the student's optimiser are those of Fast and NAYER for these teachers; how
steps and views share out the time is what paid with smaller networks, new generators and their
memory what ended a drift there (docs/results/history.md). Not measured.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import SGD, Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.engine.schedulers import CosinePeriodLR
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
)
from mmdfkd.models.memories import LabelledMemory
from mmdfkd.models.utils import ShiftFlip

with read_base():
    from .default_runtime import *
    from .models.cifar_networks import data_preprocessor

rounds = 5000
restart = 250  # rounds of one generator: one that follows the student for long drifts
batch_size = 256
model = dict(
    type=DEDFKD,
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier),
    student=dict(type=Classifier),
    generator=dict(
        type=ConditionalGenerator,
        num_classes=10,
        latent_dim=256,
        image_size=32,
        out_channels=3,
        base_channels=64,
    ),
    # The metric term's weight is of the order that CSP-DFKD has beside the same other terms.
    loss_ce=dict(type=ClassConditionLoss, loss_weight=0.5),
    loss_adv=dict(type=AdversarialLoss, loss_weight=1.33, divergence='kl', agreement_mask=True),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=10.0),
    loss_metric=dict(type=MetricLearningLoss, objective='M4', loss_weight=0.5, gate=0.7),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    augment=dict(type=ShiftFlip, pad=4, flip=True),
    # Student steps are worth the most, and views labelled once make them cheap.
    g_steps=2,
    kd_steps=40,
    kd_batch_size=batch_size,
    # The images of two generators, 400 MB.
    memory=dict(type=LabelledMemory, capacity=2 * restart * batch_size, num_views=4),
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
    generator=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=4e-3, betas=(0.5, 0.999))),
    student=dict(
        type=OptimWrapper,
        optimizer=dict(type=SGD, lr=0.2, momentum=0.9, weight_decay=1e-4),
    ),
)
param_scheduler = dict(
    generator=[dict(type=CosinePeriodLR, period=restart, eta_min_ratio=0.05, by_epoch=False)],
    student=[dict(type=CosineAnnealingLR, by_epoch=False)],
)
auto_scale_lr = dict(base_batch_size=batch_size)
env_cfg.update(cudnn_benchmark=True)  # batches of few sizes
default_hooks['checkpoint'].update(interval=200)
default_hooks['generator_restart'] = dict(type=GeneratorRestartHook, interval=restart)
