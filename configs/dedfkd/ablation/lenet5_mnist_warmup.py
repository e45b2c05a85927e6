"""MNIST ablation: DE-DFKD whose student's learning rate warms up for 20 of the 200 rounds."""

from mmengine.config import read_base
from mmengine.optim import LinearLR

with read_base():
    from .lenet5_mnist_m4 import *

warmup = 20
param_scheduler['student'] = [
    dict(type=LinearLR, start_factor=0.1, begin=0, end=warmup, by_epoch=False),
    dict(type=CosineAnnealingLR, begin=warmup, eta_min_ratio=0.005, by_epoch=False),
]
