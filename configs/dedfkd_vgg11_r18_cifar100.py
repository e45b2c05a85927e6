"""DE-DFKD, VGG-11 -> ResNet-18 on CIFAR-100; the teacher is trained here."""

from mmengine.config import read_base

from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar100 import *
    from ._base_.cifar_networks import data_preprocessor, resnet18, vgg11
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *

vgg11['head'].update(num_classes=100)
resnet18['head'].update(num_classes=100)
train_dataloader['dataset'].update(num_classes=100)
model['generator'].update(num_classes=100)
model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=vgg11,
        checkpoint='work_dirs/teachers/vgg11_cifar100/epoch_200.pth',
        how_to_get='make it: python tools/train.py configs/teachers/vgg11_cifar100.py',
    ),
    student=dict(type=Classifier, network=resnet18),
)
