"""timm's ViT-Tiny on CIFAR-10: AdamW with a warm-up, RandAugment, 300 epochs."""

from mmengine.config import read_base
from mmengine.optim import LinearLR
from mmpretrain.datasets import RandAugment
from torch.optim import AdamW

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.models.cifar_networks import data_preprocessor
    from .._base_.models.timm_cifar_networks import vit_tiny
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/teachers/vittiny_cifar10'
model = dict(**vit_tiny, data_preprocessor=data_preprocessor)
train_dataloader['dataset']['pipeline'].insert(  # before PackInputs
    -1, dict(type=RandAugment, policies='timm_increasing', num_policies=2, magnitude_level=9)
)
epochs, warm_up = 300, 10
train_cfg.update(max_epochs=epochs)
optim_wrapper = dict(
    optimizer=dict(type=AdamW, lr=1e-3, weight_decay=0.05), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, end=warm_up, convert_to_iter_based=True),
    dict(type=CosineAnnealingLR, begin=warm_up, convert_to_iter_based=True),
]
