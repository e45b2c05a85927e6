"""LeNet-5 on MNIST-5k: the quickstart's teacher, half a minute on two CPU cores."""

from mmengine.config import read_base
from mmpretrain.datasets import PackInputs, RandomCrop, Resize

from mmdfkd.datasets import MNIST5k

with read_base():
    from .._base_.mnist5k import *
    from .._base_.teacher_lenet5 import *

work_dir = 'work_dirs/teachers/lenet5_mnist5k'
train_dataloader['batch_size'] = 64
train_dataloader['dataset'] = dict(
    type=MNIST5k,
    split='train',
    pipeline=[
        dict(type=Resize, scale=32, interpolation='bilinear'),
        dict(type=RandomCrop, crop_size=32, padding=2),
        dict(type=PackInputs),
    ],
)
epochs = 40
train_cfg.update(max_epochs=epochs, val_interval=10)
param_scheduler.update(T_max=epochs)
