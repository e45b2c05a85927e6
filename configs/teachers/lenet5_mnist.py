"""LeNet-5 on MNIST."""

from mmengine.config import read_base

from mmdfkd.datasets import MNIST

with read_base():
    from .._base_.datasets.mnist import *
    from .._base_.models.lenet5_networks import pipeline
    from .._base_.schedules.teacher_lenet5 import *

work_dir = 'work_dirs/teachers/lenet5_mnist'
train_dataloader['dataset'] = dict(
    type=MNIST, data_root='data/mnist', split='train', pipeline=pipeline, download=False
)
