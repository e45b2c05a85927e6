"""DE-DFKD, WRN-40-2 -> WRN-16-1 on CIFAR-10; the teacher is trained here."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.cifar_networks import wrn16_1, wrn40_2

model['teacher'].update(
    network=wrn40_2,
    checkpoint='work_dirs/teachers/wrn40_2_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/wrn40_2_cifar10.py',
)
model['student'].update(network=wrn16_1, init_from_teacher=True)
model.update(layout_layers=['backbone.block1', 'backbone.block2'])
