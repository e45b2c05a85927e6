"""MNIST ablation, the base of all arms: DE-DFKD with M4 for 200 rounds."""

from mmengine.config import read_base

with read_base():
    from ...dedfkd_lenet5_mnist import *

rounds = 200  # one generator
train_cfg.update(max_iters=rounds, val_interval=rounds)
param_scheduler['generator'][0].update(period=rounds)
default_hooks['generator_restart'].update(interval=rounds)
model['memory'].update(capacity=rounds * batch_size)
