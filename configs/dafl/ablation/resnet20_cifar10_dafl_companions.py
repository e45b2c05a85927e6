"""CIFAR-10 ablation: DAFL's objective with DE-DFKD's adversary, BN term and image priors."""

from mmengine.config import read_base

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss

with read_base():
    from ...dedfkd.ablation.resnet20_cifar10_m4 import *

del model['loss_ce'], model['loss_metric'], model['generator']['num_classes']
model['generator'].update(type=UnconditionalGenerator)
model.update(
    type=DAFL,
    loss_pseudo_label=dict(type=PseudoLabelLoss, loss_weight=1.0),
    loss_entropy=dict(type=InformationEntropyLoss, loss_weight=2.17),  # 5, of log10
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
)
