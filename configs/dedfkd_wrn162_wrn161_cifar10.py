"""DE-DFKD, WRN-16-2 -> WRN-16-1 on CIFAR-10: under two hours of one CPU core.

The generator is inverted (_base_/dedfkd_inverted.py), and the student starts as a part of the
teacher. The numbers were chosen on CIFAR-10's training images, seed 0's teacher.
"""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.cifar10 import *
    from ._base_.dedfkd_inverted import *
    from ._base_.models.cifar_networks import wrn16_1, wrn16_2

model['teacher'].update(
    network=wrn16_2,
    checkpoint='data/teachers/wrn16_2_cifar10_seed0.pth',
    how_to_get='it is PreTrainedScratches/ of the repository AlexandrosFerles/'
    'NIPS_2019_Reproducibilty_Challenge_Zero-shot_Knowledge_Transfer_via_Adversarial_Belief_'
    'Matching (commit 5b4f27a), with the common keys of WideResNet',
)
model['student'].update(network=wrn16_1, init_from_teacher=True)
model.update(layout_layers=['backbone.block1', 'backbone.block2'])
