"""Our DE-DFKD with a loss of mmrazor's as the student's: decoupled knowledge distillation."""

from mmengine.config import read_base
from razor_parts import RazorLoss

with read_base():
    from ...configs.dedfkd_lenet5_mnist5k import *

# DKD (Zhao et al., CVPR 2022) weighs the classes that are not the teacher's. Not tuned.
model['loss_kd'] = dict(type=RazorLoss, loss=dict(type='DKDLoss', tau=4.0, alpha=1.0, beta=2.0))
