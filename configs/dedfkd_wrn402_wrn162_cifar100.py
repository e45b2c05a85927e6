"""DE-DFKD, WRN-40-2 -> WRN-16-2 on CIFAR-100; the teacher is trained here."""

from mmengine.config import read_base

from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar100 import *
    from ._base_.cifar_networks import data_preprocessor, wrn16_2, wrn40_2
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *

wrn40_2['head'].update(num_classes=100)
wrn16_2['head'].update(num_classes=100)
train_dataloader['dataset'].update(num_classes=100)
model['generator'].update(num_classes=100)
model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=wrn40_2,
        checkpoint='work_dirs/teachers/wrn40_2_cifar100/epoch_200.pth',
        how_to_get='make it: python tools/train.py configs/teachers/wrn40_2_cifar100.py',
    ),
    student=dict(type=Classifier, network=wrn16_2),
)
