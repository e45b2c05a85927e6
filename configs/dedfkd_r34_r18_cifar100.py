"""DE-DFKD, ResNet-34 -> ResNet-18 on CIFAR-100; the teacher is trained here."""

from mmengine.config import read_base

from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar100 import *
    from ._base_.cifar_networks import data_preprocessor, resnet18, resnet34
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *

resnet34['head'].update(num_classes=100)
resnet18['head'].update(num_classes=100)
train_dataloader['dataset'].update(num_classes=100)
model['generator'].update(num_classes=100)
model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=resnet34,
        checkpoint='work_dirs/teachers/resnet34_cifar100/epoch_200.pth',
        how_to_get='make it: python tools/train.py configs/teachers/resnet34_cifar100.py',
    ),
    student=dict(type=Classifier, network=resnet18),
)
