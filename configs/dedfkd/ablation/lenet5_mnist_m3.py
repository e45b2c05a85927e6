"""MNIST ablation: M3 in place of M4."""

from mmengine.config import read_base

from mmdfkd.models.losses import MetricLearningLoss

with read_base():
    from .lenet5_mnist_m4 import *

model['loss_metric'] = dict(type=MetricLearningLoss, objective='M3', loss_weight=1.0, gate=0.0)
