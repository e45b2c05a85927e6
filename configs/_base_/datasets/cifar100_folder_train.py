"""CIFAR-100 as folders of images, to train on as well: data/cifar100/train/apple/*.png and so on.

Any config of teachers/ on CIFAR-100 takes them with one more line, the last of its
``with read_base():``

    from .._base_.datasets.cifar100_folder_train import *
"""

from mmengine.config import read_base

with read_base():
    from .cifar10_folder_train import *

train_dataloader['dataset'].update(data_root='data/cifar100')
val_dataloader['dataset'].update(data_root='data/cifar100')
test_dataloader = val_dataloader
