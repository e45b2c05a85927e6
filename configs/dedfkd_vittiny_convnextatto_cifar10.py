"""DE-DFKD, timm's ViT-Tiny -> ConvNeXt-Atto on CIFAR-10; the teacher is trained here.

A teacher without batch norms takes no ``loss_bn``; image priors and the activation loss stand
in. ViT's last layer norm bounds its features, so that the latter has less to pull at than in
DAFL. Built and stepped only, not measured.
"""

from mmengine.config import read_base

from mmdfkd.models.losses import ActivationLoss, PixelStatisticsLoss, TotalVariationLoss

with read_base():
    from ._base_.models.timm_cifar_networks import vit_tiny
    from .dedfkd_resnet32ts_convnextatto_cifar10 import *

model['teacher'].update(
    checkpoint='work_dirs/teachers/vittiny_cifar10/epoch_300.pth',
    how_to_get='make it: mmdfkd train configs/teachers/vittiny_cifar10.py',
)
model['teacher']['network'] = vit_tiny  # update() would merge the two
del model['loss_bn']
model.update(
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
    image_priors=dict(
        pixel=dict(type=PixelStatisticsLoss, loss_weight=1.0),
        tv=dict(type=TotalVariationLoss, loss_weight=2.0),
    ),
)
