"""CIFAR-10 ablation, the base of all arms: DE-DFKD with M4, ResNet-20 -> ResNet-8, 160 rounds."""

from mmengine.config import read_base

from mmdfkd.models.memories import ImageBank

with read_base():
    from ...dedfkd_resnet20_resnet8_cifar10 import *

rounds = 160  # of four generators
train_cfg.update(max_iters=rounds, val_interval=20)
# The arms were measured before labelled views: docs/ablation.md.
model.update(kd_steps=6)
model['memory'] = dict(type=ImageBank, capacity=rounds * 64)
default_hooks['checkpoint'].update(
    interval=20, max_keep_ckpts=-1
)  # to correlate figures over a run
