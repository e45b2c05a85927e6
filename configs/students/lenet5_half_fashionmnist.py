"""The student LeNet-5-half trained on real Fashion-MNIST with its teacher's recipe, to compare."""

from mmengine.config import read_base

with read_base():
    from .._base_.models.lenet5_networks import lenet5_half
    from ..teachers.lenet5_fashionmnist import *

work_dir = 'work_dirs/students/lenet5_half_fashionmnist'
model = dict(**lenet5_half, data_preprocessor=data_preprocessor)
