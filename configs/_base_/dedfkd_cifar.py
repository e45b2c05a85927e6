"""DE-DFKD on CIFAR-10: losses, optimisers, schedule; networks and data set are the config's."""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import SGD, Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.distillers import DEDFKD
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    KDLoss,
    MetricLearningLoss,
)
from mmdfkd.models.utils import Classifier, ShiftFlip

with read_base():
    from .cifar_networks import data_preprocessor
    from .default_runtime import *

rounds = 5000
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
    # Weights of NAYER and Fast for the common terms; the metric term's is not tuned yet.
    loss_ce=dict(type=ClassConditionLoss, loss_weight=0.5),
    loss_adv=dict(type=AdversarialLoss, loss_weight=1.33, divergence='kl', agreement_mask=True),
    loss_bn=dict(type=BNStatisticsLoss, loss_weight=10.0),
    loss_metric=dict(type=MetricLearningLoss, objective='M4', loss_weight=0.5, gate=0.7),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    augment=dict(type=ShiftFlip, pad=4, flip=True),
    g_steps=2,
    kd_steps=20,
    kd_batch_size=batch_size,
    bank_capacity=200 * batch_size,
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
        optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-4),
    ),
)
param_scheduler = dict(
    generator=[],
    student=[dict(type=CosineAnnealingLR, T_max=rounds, by_epoch=False)],
)
auto_scale_lr = dict(base_batch_size=batch_size)
