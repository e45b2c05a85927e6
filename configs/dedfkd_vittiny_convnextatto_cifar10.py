"""DE-DFKD, timm's ViT-Tiny -> ConvNeXt-Atto on CIFAR-10; the teacher is trained here.

A teacher without batch norms takes no ``loss_bn``; image priors and the activation loss stand
in, and the generator lasts, as in _base_/dedfkd_cifar.py. ViT's last layer norm bounds its
features, so that the latter has less to pull at than in DAFL. Built and stepped only, not
measured.
"""

from mmengine.config import read_base
from torch.optim import AdamW

from mmdfkd.models.losses import ActivationLoss, PixelStatisticsLoss, TotalVariationLoss

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_cifar import *
    from ._base_.models.timm_cifar_networks import convnext_atto, vit_tiny

model['teacher'].update(
    network=vit_tiny,
    checkpoint='work_dirs/teachers/vittiny_cifar10/epoch_300.pth',
    how_to_get='make it: mmdfkd train configs/teachers/vittiny_cifar10.py',
)
model['student'].update(network=convnext_atto)
del model['loss_bn']
model.update(
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
    image_priors=dict(
        pixel=dict(type=PixelStatisticsLoss, loss_weight=1.0),
        tv=dict(type=TotalVariationLoss, loss_weight=2.0),
    ),
)
# ConvNeXt has layer norms and wants AdamW, as its authors train it.
optim_wrapper['student']['optimizer'] = dict(type=AdamW, lr=1e-3, weight_decay=0.05)
