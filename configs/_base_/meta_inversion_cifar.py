"""What Fast-Datafree and NAYER share on CIFAR-10: student, memory, schedule; see their configs."""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import SGD

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses import (
    AdversarialLoss,
    ClassConditionLoss,
    KDLoss,
    RunningBNStatisticsLoss,
)
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import ShiftFlip

with read_base():
    from .default_runtime import *
    from .models.cifar_networks import data_preprocessor

warmup = 20  # rounds, epochs of the public code, that fill the memory only
model = dict(
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier),
    student=dict(type=Classifier),
    loss_ce=dict(type=ClassConditionLoss, loss_weight=0.5),
    loss_bn=dict(type=RunningBNStatisticsLoss, loss_weight=10.0, momentum=0.9),
    loss_adv=dict(type=AdversarialLoss, loss_weight=1.33, divergence='kl', agreement_mask=True),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    augment=dict(type=ShiftFlip, pad=4, flip=True),
    warmup_rounds=warmup,
    kd_steps=400,
    kd_batch_size=256,
    memory=dict(type=ImageMemory),
)
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=220, val_interval=10)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    student=dict(
        type=OptimWrapper,
        optimizer=dict(type=SGD, lr=0.2, momentum=0.9, weight_decay=1e-4),
    ),
)
param_scheduler = dict(
    student=[dict(type=CosineAnnealingLR, begin=warmup, eta_min=2e-4, by_epoch=False)],
)
env_cfg.update(cudnn_benchmark=True)  # batches of few sizes
default_hooks['logger'].update(interval=1)
log_processor.update(window_size=1)  # the logger's interval
default_hooks['checkpoint'].update(interval=10)
