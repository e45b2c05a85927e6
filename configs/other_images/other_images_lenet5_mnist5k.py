"""The floor of other images, LeNet-5 -> LeNet-5-half, the teacher trained on MNIST-5k."""

from mmengine.config import read_base

from mmdfkd.models.distillers import OtherImages

with read_base():
    from .._base_.datasets.mnist5k import *
    from .._base_.floor_lenet5 import *

model.update(type=OtherImages, root='data/other_images')  # any folder of images
model['teacher'].update(
    checkpoint='work_dirs/teachers/lenet5_mnist5k/epoch_40.pth',
    how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist5k.py',
)
