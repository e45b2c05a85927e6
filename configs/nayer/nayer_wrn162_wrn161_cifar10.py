"""NAYER, WRN-16-2 -> WRN-16-1 on CIFAR-10, for a CPU: more rounds, which are shorter.

The numbers of nayer_wrn402_wrn161_cifar10.py, but for the sizes of generator and rounds: 100
images and 120 student steps of 128; the rate of a batch of 128.
"""

from mmengine.config import read_base

with read_base():
    from .._base_.models.cifar_networks import wrn16_2_teacher
    from .nayer_wrn402_wrn161_cifar10 import *

rounds = 620
warmup = 70
batch_size = 100
model['teacher'].update(wrn16_2_teacher)
model.update(
    warmup_rounds=warmup, warmup_inversions=1, inversions=1, kd_steps=120, kd_batch_size=128
)
model['generator'].update(base_channels=32)
model['memory'].update(capacity=rounds * batch_size)  # every image of the run
train_dataloader.update(batch_size=batch_size)
train_cfg.update(max_iters=rounds, val_interval=62)
optim_wrapper['student']['optimizer'].update(lr=0.05)
param_scheduler['student'][0].update(begin=warmup)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
