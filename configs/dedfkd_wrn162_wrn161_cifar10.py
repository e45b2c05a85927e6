"""DE-DFKD, WRN-16-2 -> WRN-16-1 on CIFAR-10: under two hours of one CPU core.

The generator is inverted (_base_/dedfkd_inverted.py), and the student starts as a part of the
teacher. The numbers were chosen on CIFAR-10's training images, seed 0's teacher.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.cifar_networks import wrn16_1, wrn16_2_teacher

model['teacher'].update(wrn16_2_teacher)
model['student'].update(network=wrn16_1, init_from_teacher=True)
model.update(layout_layers=['backbone.block1', 'backbone.block2'])
