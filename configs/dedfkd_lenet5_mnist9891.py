"""DE-DFKD, LeNet-5 -> LeNet-5-half on MNIST; a public teacher of DAFL's own teacher's accuracy."""

from mmengine.config import read_base

with read_base():
    from ._base_.datasets.mnist import *
    from ._base_.dedfkd_lenet5 import *

# The teacher's own statistics.
data_preprocessor.update(mean=[33.33], std=[78.57])
model['data_preprocessor'] = data_preprocessor
model['teacher'].update(
    checkpoint='data/teachers/lenet5_mnist_9891.pth',
    how_to_get='bring it: mmdfkd prepare-teachers',
)
