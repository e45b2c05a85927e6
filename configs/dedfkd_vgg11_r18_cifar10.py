"""DE-DFKD, VGG-11 -> ResNet-18 on CIFAR-10; the teacher is trained here."""

from mmengine.config import read_base

from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar10 import *
    from ._base_.cifar_networks import data_preprocessor, resnet18, vgg11
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *

model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=vgg11,
        checkpoint='work_dirs/teachers/vgg11_cifar10/epoch_200.pth',
        how_to_get='make it: python tools/train.py configs/teachers/vgg11_cifar10.py',
    ),
    student=dict(type=Classifier, network=resnet18),
)
