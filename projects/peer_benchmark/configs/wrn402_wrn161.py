"""What is timed beside the peer: all of DE-DFKD, a generator that lasts, single precision."""

from mmengine.config import read_base

with read_base():
    from mmdfkd.configs._base_.dedfkd_cifar import *
    from mmdfkd.configs._base_.models.cifar_networks import wrn16_1, wrn40_2

model['teacher'].update(network=wrn40_2)
model['student'].update(network=wrn16_1)
