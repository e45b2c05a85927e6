"""DFAD, LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k: minutes of a CPU.

Steps, rounds and the generator's rate are those of DFAD_mnist.py (40 epochs x 50 rounds, of 512
images there); its student learns by SGD.
"""

from mmengine.config import read_base

from mmdfkd.models.distillers import DFAD
from mmdfkd.models.losses import AdversarialLoss, KDLoss

with read_base():
    from .._base_.live_lenet5 import *

model.update(
    type=DFAD,
    loss_adv=dict(type=AdversarialLoss, divergence='l1', agreement_mask=False),
    loss_kd=dict(type=KDLoss, divergence='l1'),
    g_steps=1,
    kd_steps=5,
)
