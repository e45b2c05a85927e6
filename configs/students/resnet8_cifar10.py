"""The student ResNet-8 trained on real CIFAR-10 for 30 epochs, to compare with.

On folders of images, data/cifar10/train/airplane/*.png and so on, a copy of this file needs
the line of cifar10_folder.py, and at its end

    train_dataloader['dataset'] = dict(
        val_dataloader['dataset'],
        data_prefix='train',
        pipeline=[*load_rgb, *train_dataloader['dataset']['pipeline']],
    )
"""

from mmengine.config import read_base

with read_base():
    from .._base_.cifar10 import *
    from .._base_.resnet20_cifar import data_preprocessor, resnet8
    from .._base_.teacher_cifar import *

work_dir = 'work_dirs/students/resnet8_cifar10'
model = dict(**resnet8, data_preprocessor=data_preprocessor)
epochs = 30
train_cfg.update(max_epochs=epochs)
param_scheduler.update(T_max=epochs)
