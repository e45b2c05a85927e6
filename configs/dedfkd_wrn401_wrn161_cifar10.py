"""DE-DFKD, WRN-40-1 -> WRN-16-1 on CIFAR-10: WRN-16-2's recipe, no number changed."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.cifar_networks import wrn40_1
    from .dedfkd_wrn162_wrn161_cifar10 import *

model['teacher'].update(network=wrn40_1, checkpoint='data/teachers/wrn40_1_cifar10_seed0.pth')
