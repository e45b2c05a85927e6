"""DE-DFKD, WRN-40-2 -> WRN-16-2 on CIFAR-100; the teacher is trained here."""

from mmengine.config import read_base

with read_base():
    from ._base_.models.cifar100_networks import wrn16_2
    from .dedfkd_wrn402_wrn161_cifar100 import *

model['student']['network'] = wrn16_2  # update() would merge the two
