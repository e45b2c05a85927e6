"""What is timed beside the peer: all of DE-DFKD, a generator that lasts, single precision."""

from mmengine.config import read_base

with read_base():
    from mmdfkd.configs._base_.dedfkd_cifar import *
    from mmdfkd.configs._base_.models.cifar_networks import resnet18, resnet34

model['teacher'].update(network=resnet34)
model['student'].update(network=resnet18)
