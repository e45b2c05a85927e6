"""CIFAR-10 ablation: DAFL's objective alone, with an unconditional generator."""

from mmengine.config import read_base

with read_base():
    from .resnet20_cifar10_dafl_companions import *

del model['loss_adv'], model['loss_bn'], model['image_priors']
