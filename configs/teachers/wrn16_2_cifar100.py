"""WRN-16-2 on CIFAR-100 for 25 epochs: an hour of one CPU core.

Folders of images serve as well, with one more line, the last of ``with read_base():``

    from .._base_.datasets.cifar100_folder_train import *
"""

from mmengine.config import read_base

from mmdfkd.engine.optimizers import BFloat16OptimWrapper

with read_base():
    from .._base_.datasets.cifar100 import *
    from .._base_.models.cifar100_networks import data_preprocessor, wrn16_2
    from .._base_.schedules.teacher_cifar100 import *

work_dir = 'work_dirs/teachers/wrn16_2_cifar100'
model = dict(**wrn16_2, data_preprocessor=data_preprocessor)
epochs = 25
train_cfg.update(max_epochs=epochs, val_interval=5)
optim_wrapper.update(type=BFloat16OptimWrapper)
