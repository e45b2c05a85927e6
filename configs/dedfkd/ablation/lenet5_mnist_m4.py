"""MNIST ablation, the base of all arms: DE-DFKD with M4 for 200 rounds of one generator."""

from mmengine.config import read_base

with read_base():
    from ..._base_.datasets.mnist import *
    from ..._base_.dedfkd_lenet5_lasting import *

model['teacher'].update(
    checkpoint='work_dirs/teachers/lenet5_mnist/epoch_5.pth',
    how_to_get='make it: mmdfkd train configs/teachers/lenet5_mnist.py',
)

rounds = 200  # one generator
train_cfg.update(max_iters=rounds, val_interval=rounds)
param_scheduler['generator'][0].update(period=rounds)
default_hooks['generator_restart'].update(interval=rounds)
model['memory'].update(capacity=rounds * batch_size)
