"""Quickstart: LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.mnist5k import *
    from ._base_.dedfkd_lenet5_lasting import *

model['teacher'].update(
    checkpoint='work_dirs/teachers/lenet5_mnist5k/epoch_40.pth',
    how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist5k.py',
)
