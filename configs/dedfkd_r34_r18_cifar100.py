"""DE-DFKD, ResNet-34 -> ResNet-18 on CIFAR-100; the teacher is trained here."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar100 import *
    from ._base_.dedfkd_cifar100 import *
    from ._base_.models.cifar100_networks import resnet18, resnet34

model['teacher'].update(
    network=resnet34,
    checkpoint='work_dirs/teachers/resnet34_cifar100/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/resnet34_cifar100.py',
)
model['student'].update(network=resnet18, init_from_teacher=True)
model.update(layout_layers=['backbone.layer1', 'backbone.layer2'])
