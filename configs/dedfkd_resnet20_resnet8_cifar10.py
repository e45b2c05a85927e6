"""DE-DFKD, the public thin ResNet-20 -> ResNet-8 on CIFAR-10: small enough for a CPU."""

from mmengine.config import read_base

from mmdfkd.models.utils import Classifier

with read_base():
    from ._base_.cifar10 import *
    from ._base_.dedfkd_cifar import *
    from ._base_.default_runtime import *
    from ._base_.resnet20_cifar import *

model['generator'].update(base_channels=32, latent_dim=128)
model.update(
    data_preprocessor=data_preprocessor,
    teacher=dict(
        type=Classifier,
        network=resnet20,
        checkpoint='data/teachers/resnet20_cifar10.th',
        prefix='module.',
        how_to_get='it is pretrained_models/resnet20-12fca82f.th of the repository '
        'akamaster/pytorch_resnet_cifar10',
    ),
    student=dict(type=Classifier, network=resnet8),
)
