"""Training of a LeNet-5 teacher, but for the data.

Short and with weight decay: trained to overconfidence (20 epochs of MNIST without
either), a teacher is as accurate, but its logits are 2.5 times as large and a student
learns from it far more slowly (docs/results/history.md).
"""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler
from mmengine.optim import CosineAnnealingLR
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import AdamW

with read_base():
    from ..models.lenet5_networks import data_preprocessor, lenet5
    from ..teacher_runtime import *

epochs = 5
model = dict(**lenet5, data_preprocessor=data_preprocessor)
train_dataloader = dict(
    batch_size=128, num_workers=0, sampler=dict(type=DefaultSampler, shuffle=True)
)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=epochs, val_interval=1)
optim_wrapper = dict(optimizer=dict(type=AdamW, lr=2e-3, weight_decay=0.05))
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True, convert_to_iter_based=True)
