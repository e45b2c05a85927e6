"""MNIST ablation: conditional, but without a metric term."""

from mmengine.config import read_base

with read_base():
    from .lenet5_mnist_m4 import *

model.update(loss_metric=None)
