"""DE-DFKD, WRN-40-2 -> WRN-40-1 on CIFAR-10; the teacher is trained here."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.cifar_networks import wrn40_1
    from .dedfkd_wrn402_wrn161_cifar10 import *

model['student']['network'] = wrn40_1  # update() would merge the two
