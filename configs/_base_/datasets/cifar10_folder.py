"""CIFAR-10 as folders of images: data/cifar10/test/airplane/*.png and so on.

Any config evaluates on them with one more line, the last of its ``with read_base():``

    from ._base_.datasets.cifar10_folder import *  # of a config in a folder of configs/: .._base_

cifar10_folder_train.py is for teachers, which are trained on such folders, too.
"""

from mmcv.transforms import LoadImageFromFile
from mmengine.config import read_base
from mmpretrain.datasets import NumpyToPIL, PackInputs, PILToNumpy

from mmdfkd.datasets import ImageFolder

with read_base():
    from .cifar10 import *

# Files are read as BGR; the networks and the data preprocessor want RGB.
load_rgb = [
    dict(type=LoadImageFromFile),
    dict(type=NumpyToPIL, to_rgb=True),
    dict(type=PILToNumpy),
]
val_dataloader['dataset'] = dict(
    type=ImageFolder,
    data_root='data/cifar10',
    data_prefix='test',
    pipeline=[*load_rgb, dict(type=PackInputs)],
)
test_dataloader = val_dataloader
