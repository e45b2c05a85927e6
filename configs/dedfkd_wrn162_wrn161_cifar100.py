"""DE-DFKD, WRN-16-2 -> WRN-16-1 on CIFAR-100; the teacher is trained here.

CIFAR-10's recipe, no number changed.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar100 import *
    from ._base_.dedfkd_cifar100 import *
    from ._base_.models.cifar100_networks import wrn16_1, wrn16_2

model['teacher'].update(
    network=wrn16_2,
    checkpoint='work_dirs/teachers/wrn16_2_cifar100/epoch_25.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn16_2_cifar100.py',
)
model['student'].update(network=wrn16_1, init_from_teacher=True)
model.update(layout_layers=['backbone.block1', 'backbone.block2'])
