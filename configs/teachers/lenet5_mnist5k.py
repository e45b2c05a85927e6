"""LeNet-5 on MNIST-5k: the quickstart's teacher, half a minute on two CPU cores."""

from mmengine.config import read_base

from mmdfkd.datasets import MNIST5k

with read_base():
    from .._base_.lenet5_mnist import pipeline
    from .._base_.mnist5k import *
    from .._base_.teacher_lenet5 import *

work_dir = 'work_dirs/teachers/lenet5_mnist5k'
train_dataloader['dataset'] = dict(type=MNIST5k, split='train', pipeline=pipeline)
