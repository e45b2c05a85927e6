"""The student ResNet-8 trained on real CIFAR-10 for 30 epochs, to compare with.

Folders of images serve as well, with one more line, the last of ``with read_base():``

    from .._base_.datasets.cifar10_folder_train import *
"""

from mmengine.config import read_base

with read_base():
    from .._base_.datasets.cifar10 import *
    from .._base_.models.resnet20_cifar import resnet8, resnet20_preprocessor
    from .._base_.schedules.teacher_cifar import *

work_dir = 'work_dirs/students/resnet8_cifar10'
data_preprocessor = resnet20_preprocessor
model = dict(**resnet8, data_preprocessor=data_preprocessor)
epochs = 30
train_cfg.update(max_epochs=epochs)
