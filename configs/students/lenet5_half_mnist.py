"""The student LeNet-5-half trained on real MNIST with its teacher's recipe, to compare with."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.lenet5_networks import lenet5_half
    from ..teachers.lenet5_mnist import *

work_dir = 'work_dirs/students/lenet5_half_mnist'
model = dict(**lenet5_half, data_preprocessor=data_preprocessor)
