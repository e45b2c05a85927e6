"""LeNet-5 on MNIST-5k: the quickstart's teacher, a minute on two CPU cores."""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler
from mmengine.optim import CosineAnnealingLR
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import Adam

from mmdfkd.datasets import MNIST5k

with read_base():
    from .._base_.lenet5_mnist import data_preprocessor, lenet5, pipeline
    from .._base_.mnist5k import *
    from .._base_.teacher_runtime import *

work_dir = 'work_dirs/teachers/lenet5_mnist5k'
model = dict(**lenet5, data_preprocessor=data_preprocessor)

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    dataset=dict(type=MNIST5k, split='train', pipeline=pipeline),
    sampler=dict(type=DefaultSampler, shuffle=True),
)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=20, val_interval=5)
optim_wrapper = dict(optimizer=dict(type=Adam, lr=2e-3))
param_scheduler = dict(type=CosineAnnealingLR, T_max=20, by_epoch=True, convert_to_iter_based=True)
