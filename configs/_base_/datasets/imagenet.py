"""ImageNet-1k, for evaluation: data/imagenet/val, as folders of classes or with meta/val.txt."""

from mmengine.config import read_base
from mmpretrain.datasets import CenterCrop, PackInputs, ResizeEdge

from mmdfkd.datasets import ImageNet

with read_base():
    from .cifar10_folder import *

val_dataloader = dict(
    batch_size=100,
    num_workers=8,
    dataset=dict(
        type=ImageNet,
        data_root='data/imagenet',
        split='val',
        pipeline=[
            *load_rgb,
            dict(type=ResizeEdge, scale=256, edge='short', backend='pillow'),
            dict(type=CenterCrop, crop_size=224),
            dict(type=PackInputs),
        ],
    ),
    sampler=dict(type=DefaultSampler, shuffle=False),
    persistent_workers=True,
)
test_dataloader = val_dataloader
