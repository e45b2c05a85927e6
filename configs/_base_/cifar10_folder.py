"""CIFAR-10 as folders of images: data/cifar10/test/airplane/*.png and so on."""

from mmcv.transforms import LoadImageFromFile
from mmengine.config import read_base
from mmpretrain.datasets import CustomDataset, NumpyToPIL, PackInputs, PILToNumpy

with read_base():
    from .cifar10 import *

val_dataloader['dataset'] = dict(
    type=CustomDataset,
    data_root='data/cifar10',
    data_prefix='test',
    # Files are read as BGR; the networks and the data preprocessor want RGB.
    pipeline=[
        dict(type=LoadImageFromFile),
        dict(type=NumpyToPIL, to_rgb=True),
        dict(type=PILToNumpy),
        dict(type=PackInputs),
    ],
)
test_dataloader = val_dataloader
