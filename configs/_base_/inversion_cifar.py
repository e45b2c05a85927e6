"""The student's side of a method that keeps every image, CIFAR-10: CMI's public code.

Its scripts for WRN-40-2 -> WRN-16-1 (zju-vipa/CMI, scripts/{cmi,deepinv}/): SGD 0.1 with
momentum and weight decay 1e-4, a cosine over 200 rounds of 400 steps, temperature 20, crop and
flip. One round is one of its epochs.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import SGD

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses import KDLoss
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import ShiftFlip

with read_base():
    from .default_runtime import *
    from .models.cifar_networks import data_preprocessor

model = dict(
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier),
    student=dict(type=Classifier),
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    kd_steps=400,
    kd_batch_size=256,
    augment=dict(type=ShiftFlip, pad=4, flip=True),
    memory=dict(type=ImageMemory, capacity=51200),  # 200 rounds of 256 images, 157 MB
)
train_dataloader = dict(
    batch_size=256,  # images a round
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=200, val_interval=10)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    student=dict(
        type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=1e-4)
    ),
)
param_scheduler = dict(student=[dict(type=CosineAnnealingLR, by_epoch=False)])
env_cfg.update(cudnn_benchmark=True)  # batches of few sizes
default_hooks['logger'].update(interval=1)
log_processor.update(window_size=1)  # the logger's interval
default_hooks['checkpoint'].update(interval=10)
