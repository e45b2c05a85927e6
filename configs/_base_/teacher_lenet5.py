"""Training of a LeNet-5 teacher, but for the data."""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler
from mmengine.optim import CosineAnnealingLR
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import Adam

with read_base():
    from .lenet5_mnist import data_preprocessor, lenet5
    from .teacher_runtime import *

epochs = 20
model = dict(**lenet5, data_preprocessor=data_preprocessor)
train_dataloader = dict(
    batch_size=64, num_workers=0, sampler=dict(type=DefaultSampler, shuffle=True)
)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=epochs, val_interval=5)
optim_wrapper = dict(optimizer=dict(type=Adam, lr=2e-3))
param_scheduler = dict(
    type=CosineAnnealingLR, T_max=epochs, by_epoch=True, convert_to_iter_based=True
)
