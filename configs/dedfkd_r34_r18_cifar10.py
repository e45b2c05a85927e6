"""DE-DFKD, ResNet-34 -> ResNet-18 on CIFAR-10; the teacher is mmpretrain's public one."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.cifar_networks import resnet18, resnet34

model['teacher'].update(
    network=resnet34,
    checkpoint='https://download.openmmlab.com/mmclassification/v0/resnet/'
    'resnet34_b16x8_cifar10_20210528-a8aa36a6.pth',
    how_to_get='or train one: mmdfkd train configs/teachers/resnet34_cifar10.py, '
    'then set model.teacher.checkpoint='
    'work_dirs/teachers/resnet34_cifar10/epoch_200.pth',
)
model['student'].update(network=resnet18, init_from_teacher=True)
model.update(layout_layers=['backbone.layer1', 'backbone.layer2'])
