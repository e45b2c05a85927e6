"""A floor, LeNet-5 -> LeNet-5-half: networks, student, schedule; the images are the config's.

The student's side is dedfkd_lenet5_lasting.py's: what is above the floor is the images' worth.
"""

from mmengine.config import read_base
from mmengine.dataset import InfiniteSampler, default_collate
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import IterBasedTrainLoop
from torch.optim import Adam

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses import KDLoss
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import RandomAffine, RandomErase

with read_base():
    from .default_runtime import *
    from .models.lenet5_networks import data_preprocessor, lenet5, lenet5_half

batch_size = 128
model = dict(
    data_preprocessor=data_preprocessor,
    teacher=dict(type=Classifier, network=lenet5),
    student=dict(type=Classifier, network=lenet5_half),
    image_shape=(1, 32, 32),
    loss_kd=dict(type=KDLoss, divergence='l1'),
    kd_steps=10,
    kd_batch_size=batch_size,
    augment=[
        dict(type=RandomAffine, shift=6.0, degrees=20.0, scale=0.1),
        dict(type=RandomErase, probability=0.5, fill=0.0),
    ],
    memory=dict(type=ImageMemory, capacity=128000),
)
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    dataset=dict(type=LabelDataset, num_classes=10, length=10000),
    sampler=dict(type=InfiniteSampler, shuffle=False),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=IterBasedTrainLoop, max_iters=1000, val_interval=250)
optim_wrapper = dict(
    constructor=MultiOptimWrapperConstructor,
    student=dict(type=OptimWrapper, optimizer=dict(type=Adam, lr=4e-3)),
)
param_scheduler = dict(student=[dict(type=CosineAnnealingLR, eta_min_ratio=0.005, by_epoch=False)])
