"""DE-DFKD, VGG-11 -> ResNet-18 on CIFAR-10; the teacher is trained here."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.cifar_networks import resnet18, vgg11

model['teacher'].update(
    network=vgg11,
    checkpoint='work_dirs/teachers/vgg11_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/vgg11_cifar10.py',
)
model['student'].update(network=resnet18)
model.update(layout_layers=['backbone.features.5', 'backbone.features.8'])
