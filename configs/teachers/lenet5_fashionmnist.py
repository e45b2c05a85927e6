"""LeNet-5 on Fashion-MNIST."""

from mmengine.config import read_base
from mmpretrain.datasets import PackInputs, RandomCrop, RandomFlip, Resize

from mmdfkd.datasets import FashionMNIST

with read_base():
    from .._base_.datasets.fashion_mnist import *
    from .._base_.models.fashion_preprocessor import fashion_preprocessor
    from .._base_.schedules.teacher_lenet5 import *

work_dir = 'work_dirs/teachers/lenet5_fashionmnist'
data_preprocessor = model['data_preprocessor'] = fashion_preprocessor
train_dataloader['dataset'] = dict(
    type=FashionMNIST,
    data_root='data/fashion_mnist',
    split='train',
    pipeline=[
        dict(type=Resize, scale=32, interpolation='bilinear'),
        dict(type=RandomCrop, crop_size=32, padding=2),
        dict(type=RandomFlip, prob=0.5),
        dict(type=PackInputs),
    ],
    download=False,
)
epochs = 30
train_cfg.update(max_epochs=epochs, val_interval=10)
