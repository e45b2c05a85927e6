"""DE-DFKD, LeNet-5 -> LeNet-5-half on Fashion-MNIST: dedfkd_lenet5_mnist9891.py's recipe."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.fashion_mnist import *
    from ._base_.dedfkd_lenet5 import *
    from ._base_.models.fashion_preprocessor import fashion_preprocessor

data_preprocessor = model['data_preprocessor'] = fashion_preprocessor
model['teacher'].update(
    checkpoint='work_dirs/teachers/lenet5_fashionmnist/epoch_30.pth',
    how_to_get='make it: mmdfkd train configs/teachers/lenet5_fashionmnist.py',
)
