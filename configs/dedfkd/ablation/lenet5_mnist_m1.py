"""MNIST ablation: M1 in place of M4."""

from mmengine.config import read_base

from mmdfkd.models.losses import MetricLearningLoss

with read_base():
    from .lenet5_mnist_m4 import *

model['loss_metric'] = dict(type=MetricLearningLoss, objective='M1', loss_weight=2.0, gate=0.0)
