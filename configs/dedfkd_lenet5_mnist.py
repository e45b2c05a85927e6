"""DE-DFKD, LeNet-5 -> LeNet-5-half on MNIST."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.mnist import *
    from ._base_.dedfkd_lenet5_lasting import *

model['teacher'].update(
    checkpoint='work_dirs/teachers/lenet5_mnist/epoch_5.pth',
    how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist.py',
)

rounds = 3000  # six generators; the memory keeps the images of two
train_cfg.update(max_iters=rounds)
