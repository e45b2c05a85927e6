"""DE-DFKD with an inverted generator, for any teacher with batch norms; networks are the config's.

A config says two more things: ``layout_layers``, names of the teacher's early stages, and whether
the student starts as a part of the teacher (``init_from_teacher``).

The generator's dense layer is drawn anew every round, and a few steps on one batch of latents make
the round's images. The student waits until the generator makes good images: one that begins
earlier never makes up for it. The BN loss is in units of the running statistics, so that its
weight need not know the teacher.
"""

from mmengine.config import read_base
from mmengine.optim import CosineAnnealingLR
from torch.optim import Adam, AdamW

from mmdfkd.engine.hooks import GeneratorRestartHook
from mmdfkd.engine.optimizers import BFloat16OptimWrapper
from mmdfkd.models.losses import LayoutSpreadLoss, RelativeBNStatisticsLoss

with read_base():
    from .dedfkd_cifar import *

rounds = 620
warmup = 70
batch_size = 128
model['generator'].update(base_channels=32, latent_dim=128)
model['loss_bn'] = dict(type=RelativeBNStatisticsLoss, loss_weight=8.0)
model['loss_metric'].update(loss_weight=0.5, gate=0.0, spread=0.3, separation=0.1)
model.update(
    loss_layout=dict(type=LayoutSpreadLoss, loss_weight=10.0, spread=0.9),  # of layout_layers
    fixed_latents=True,
    # The images of 240 s with 4, 10 or 30 steps gave a student 38, 49 or 43 % after a minute.
    g_steps=10,
    warmup_rounds=warmup,  # without the adversary
    kd_steps=60,
    kd_batch_size=batch_size,
    channels_last=True,
)
# num_views=16 is better in runs of a tenth of the length, and not measured in long ones
# (docs/results/history.md).
model['memory'].update(capacity=rounds * batch_size)
train_dataloader.update(batch_size=batch_size)
auto_scale_lr.update(base_batch_size=batch_size)
train_cfg.update(max_iters=rounds, val_interval=50)
optim_wrapper['generator'] = dict(
    type=BFloat16OptimWrapper, optimizer=dict(type=Adam, lr=4e-3, betas=(0.5, 0.999))
)
optim_wrapper['student'] = dict(
    type=BFloat16OptimWrapper, optimizer=dict(type=AdamW, lr=2e-3, weight_decay=1e-4)
)
param_scheduler = dict(
    generator=[],
    student=[
        dict(type=CosineAnnealingLR, begin=warmup, eta_min_ratio=1e-3, by_epoch=False),
    ],
)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
default_hooks['checkpoint'].update(interval=10)
default_hooks['generator_restart'] = dict(type=GeneratorRestartHook, interval=1, layer='dense')
