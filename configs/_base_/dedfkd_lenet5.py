"""DE-DFKD, LeNet-5 -> LeNet-5-half, with an inverted generator of flat layers.

As dedfkd_inverted.py for a teacher without batch norms: the generator's dense layer is drawn
anew every round, and a few steps on one batch of latents make the round's images. The student
starts as a part of the teacher. The numbers were chosen on Fashion-MNIST's training images.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR
from torch.optim import AdamW

from mmdfkd.models.generators import LayeredGenerator
from mmdfkd.models.utils import RandomSymmetry

with read_base():
    from .dedfkd_lenet5_lasting import *

rounds = 200
warmup = 30
model['student'].update(init_from_teacher=True)
model['generator'] = dict(
    type=LayeredGenerator,
    num_classes=10,
    latent_dim=100,
    image_size=32,
    out_channels=1,
    base_channels=16,
)
model['loss_adv'].update(loss_weight=0.5)
model['loss_kd'] = dict(type=KDLoss, divergence='kl', temperature=20.0)
model.update(
    fixed_latents=True,
    g_steps=10,
    warmup_rounds=warmup,  # without the adversary
    kd_steps=60,
)
model['augment'][0].update(shift=4.0, degrees=15.0, scale=0.15, stretch=1.35)
model['augment'].append(dict(type=RandomSymmetry, probability=0.5))
model['memory'].update(capacity=rounds * batch_size)
train_cfg.update(max_iters=rounds, val_interval=20)
optim_wrapper['generator']['optimizer'].update(lr=4e-3)
optim_wrapper['student']['optimizer'] = dict(type=AdamW, lr=2e-3, weight_decay=1e-4)
param_scheduler = dict(
    generator=[],
    student=[
        dict(type=CosineAnnealingLR, begin=warmup, eta_min_ratio=1e-3, by_epoch=False),
    ],
)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
default_hooks['checkpoint'].update(interval=20)
default_hooks['generator_restart'].update(interval=1, layer='dense')
