"""Ablation of the inverted recipe, the base of all arms: ResNet-20 -> ResNet-8, a fifth of it."""

from mmengine.config import read_base

with read_base():
    from ...dedfkd_resnet20_resnet8_cifar10 import *

rounds = 124
warmup = 62  # as --rounds 124 makes it: of a short run the half
model.update(warmup_rounds=warmup)
model['memory'].update(capacity=rounds * batch_size)
train_cfg.update(max_iters=rounds, val_interval=rounds)
param_scheduler['student'][0].update(begin=warmup)
