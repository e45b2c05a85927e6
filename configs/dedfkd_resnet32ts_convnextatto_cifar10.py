"""DE-DFKD, timm's ResNet-32-TS -> ConvNeXt-Atto on CIFAR-10; the teacher is trained here.

Built and stepped only, not measured.
"""

from mmengine.config import read_base
from torch.optim import AdamW

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.timm_cifar_networks import convnext_atto, resnet32ts

model['teacher'].update(
    network=resnet32ts,
    checkpoint='work_dirs/teachers/resnet32ts_cifar10/epoch_200.pth',
    how_to_get='make it: mmdfkd train configs/teachers/resnet32ts_cifar10.py',
)
model['student'].update(network=convnext_atto)
model.update(layout_layers=['model.stages.1', 'model.stages.2'])
# ConvNeXt has layer norms and wants AdamW, as its authors train it.
optim_wrapper['student']['optimizer'] = dict(type=AdamW, lr=1e-3, weight_decay=0.05)
