"""A student that learns from a live generator, LeNet-5 -> half on MNIST-5k, for a CPU.

The generator is the quickstart's without classes: a fifth of the published one's time.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.generators import UnconditionalGenerator

with read_base():
    from .datasets.mnist5k import *
    from .default_runtime import *
    from .models.lenet5_networks import data_preprocessor, lenet5, lenet5_half

batch_size = 128
model = dict(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=lenet5,
        checkpoint='work_dirs/teachers/lenet5_mnist5k/epoch_40.pth',
        how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist5k.py',
    ),
    student=dict(type=Classifier, network=lenet5_half),
    generator=dict(
        type=UnconditionalGenerator,
        latent_dim=100,
        image_size=32,
        out_channels=1,
        base_channels=16,
        subpixel=True,
        median_pixel=8.0,  # a mean of 33 and a std of 79: most pixels are background
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
train_cfg = dict(type=IterBasedTrainLoop, max_iters=2000, val_interval=500)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    generator=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=1e-3)),
    student=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=2e-3)),
)
param_scheduler = dict(
    generator=[dict(type=CosineAnnealingLR, eta_min_ratio=0.01, by_epoch=False)],
    student=[dict(type=CosineAnnealingLR, eta_min_ratio=0.01, by_epoch=False)],
)
