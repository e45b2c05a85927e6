"""KD on the teacher's own images, WRN-16-2 -> WRN-16-1 on CIFAR-10: a reference, not data-free.

The student starts as in dedfkd_wrn162_wrn161_cifar10.py and has its optimiser and rate; loss and
augmentation are those of CMI's code. A round has 256 images and five steps, so that few minutes
on a CPU have many rounds.
"""

from mmengine.config import read_base
from torch.optim import AdamW

with read_base():
    from .._base_.models.cifar_networks import wrn16_2_teacher
    from .other_images_wrn402_wrn161_cifar10 import *

model.update(root='data/cifar10/train', kd_steps=5, kd_batch_size=128)  # folders: docs/data.md
model['teacher'].update(wrn16_2_teacher)
model['student'].update(init_from_teacher=True)
train_cfg.update(max_iters=2000, val_interval=200)
optim_wrapper['student']['optimizer'] = dict(type=AdamW, lr=2e-3, weight_decay=1e-4)
default_hooks['checkpoint'].update(interval=200)
default_hooks['logger'].update(interval=10)
log_processor.update(window_size=10)  # the logger's interval
