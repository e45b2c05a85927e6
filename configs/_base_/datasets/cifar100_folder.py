"""CIFAR-100 as folders of images: data/cifar100/test/apple/*.png and so on.

Any config evaluates on them with one more line, the last of its ``with read_base():``

    from ._base_.datasets.cifar100_folder import *  # of a config in a folder of configs/: .._base_

cifar100_folder_train.py is for teachers, which are trained on such folders, too.
"""

from mmengine.config import read_base

with read_base():
    from .cifar10_folder import *

val_dataloader['dataset'].update(data_root='data/cifar100')
test_dataloader = val_dataloader
