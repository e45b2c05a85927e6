"""MNIST ablation: DAFL's objective alone, with an unconditional generator."""

from mmengine.config import read_base

from mmdfkd.models.losses import ActivationLoss

with read_base():
    from .lenet5_mnist_dafl_companions import *

del model['loss_adv'], model['image_priors']
model['loss_act'] = dict(type=ActivationLoss, loss_weight=0.1)
