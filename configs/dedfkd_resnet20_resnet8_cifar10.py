"""DE-DFKD, the public thin ResNet-20 -> ResNet-8 on CIFAR-10: WRN-16-2's recipe, no number changed.

An hour and a quarter of one CPU core.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.resnet20_cifar import *

# update() would merge it with CIFAR's.
data_preprocessor = model['data_preprocessor'] = resnet20_preprocessor
model['teacher'].update(
    network=resnet20,
    checkpoint='data/teachers/resnet20_cifar10.th',
    prefix='module.',
    how_to_get='it is pretrained_models/resnet20-12fca82f.th of the repository '
    'akamaster/pytorch_resnet_cifar10',
)
model['student'].update(network=resnet8, init_from_teacher=True)
model.update(layout_layers=['backbone.layer1', 'backbone.layer2'])
