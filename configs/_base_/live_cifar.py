"""A student that learns from a live generator, on CIFAR-10: all but losses and numbers of steps."""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import SGD, Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.generators import UnconditionalGenerator

with read_base():
    from .default_runtime import *
    from .models.cifar_networks import data_preprocessor

batch_size = 256
model = dict(
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier),
    student=dict(type=Classifier),
    generator=dict(
        type=UnconditionalGenerator,
        latent_dim=256,
        image_size=32,
        out_channels=3,
        base_channels=64,
    ),
)
# Classes to ask for; of an unconditional generator they only say how many images.
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, val_interval=500)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    generator=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3)),
    student=dict(
        type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-4)
    ),
)
auto_scale_lr = dict(base_batch_size=batch_size)
env_cfg.update(cudnn_benchmark=True)  # batches of one size
