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
model['teacher'] = resnet20_teacher
model['student'].update(network=resnet8, init_from_teacher=True)
model.update(layout_layers=['backbone.layer1', 'backbone.layer2'])
