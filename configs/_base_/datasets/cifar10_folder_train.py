"""CIFAR-10 as folders of images, to train on as well: data/cifar10/train/airplane/*.png and so on.

Any config of teachers/ or students/ on CIFAR-10 takes them with one more line, the last of its
``with read_base():``

    from .._base_.datasets.cifar10_folder_train import *
"""

from mmengine.config import read_base

with read_base():
    from ..schedules.teacher_cifar import *
    from .cifar10_folder import *

train_dataloader['dataset'] = dict(
    val_dataloader['dataset'],
    data_prefix='train',
    pipeline=[*load_rgb, *train_dataloader['dataset']['pipeline']],
)
