"""Ablation of the inverted recipe: DAFL's objective with its adversary and BN loss, no classes."""

from mmengine.config import read_base

from mmdfkd.models.distillers import DAFL
from mmdfkd.models.generators import UnconditionalGenerator
from mmdfkd.models.losses import ActivationLoss, InformationEntropyLoss, PseudoLabelLoss

with read_base():
    from ...dedfkd.ablation.resnet20_inverted import *

for key in ('loss_ce', 'loss_metric', 'loss_layout', 'layout_layers'):
    del model[key]
del model['generator']['num_classes']
model['generator'].update(type=UnconditionalGenerator)
model.update(
    type=DAFL,
    loss_pseudo_label=dict(type=PseudoLabelLoss, loss_weight=1.0),
    loss_entropy=dict(type=InformationEntropyLoss, loss_weight=2.17),  # 5, of log10
    loss_act=dict(type=ActivationLoss, loss_weight=0.1),
)
