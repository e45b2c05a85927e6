"""Class impressions, LeNet-5 -> LeNet-5-half on MNIST-5k; see class_impressions.py."""

from class_impressions import ClassImpressions
from mmengine.config import read_base

with read_base():
    from ..configs.dedfkd_lenet5_mnist5k import *

model = dict(
    type=ClassImpressions,
    teacher=model['teacher'],
    student=model['student'],
    data_preprocessor=model['data_preprocessor'],
    loss_kd=dict(type=KDLoss, divergence='kl', temperature=20.0),
    image_shape=(1, 32, 32),
    memory=dict(type=ImageMemory, capacity=20000),
    inversion_steps=100,
    kd_steps=50,
    kd_batch_size=128,
    augment=model['augment'],
)
rounds = 100
train_cfg.update(max_iters=rounds)
# No generator is trained along: its optimiser, schedule and restarts go.
del optim_wrapper['generator'], param_scheduler['generator']
del default_hooks['generator_restart']
