"""Training of a CIFAR teacher: crop, flip, SGD with a cosine, 200 epochs."""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.optim import CosineAnnealingLR
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.datasets import PackInputs, RandomCrop, RandomFlip
from torch.optim import SGD

from mmdfkd.datasets import CIFAR10

with read_base():
    from ..teacher_runtime import *

epochs = 200
train_dataloader = dict(
    batch_size=128,
    num_workers=8,
    dataset=dict(
        type=CIFAR10,
        data_root='data/cifar10',
        split='train',
        pipeline=[
            dict(type=RandomCrop, crop_size=32, padding=4),
            dict(type=RandomFlip, prob=0.5, direction='horizontal'),
            dict(type=PackInputs),
        ],
    ),
    sampler=dict(type=DefaultSampler, shuffle=True),
    # Workers stack the images: the main process has one tensor to move and normalise, not 128.
    collate_fn=dict(type=default_collate),
    persistent_workers=True,
)
env_cfg.update(cudnn_benchmark=True)  # images of one size; a GPU's runs are not exact anyway
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=epochs, val_interval=10)
optim_wrapper = dict(
    optimizer=dict(type=SGD, lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
)
param_scheduler = dict(type=CosineAnnealingLR, by_epoch=True, convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=128)
