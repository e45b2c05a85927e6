"""MNIST ablation: DE-DFKD whose student and generator are evaluated as moving averages."""

from mmengine.config import read_base

from mmdfkd.engine.hooks import DistillerEMAHook

with read_base():
    from .lenet5_mnist_m4 import *

custom_hooks = [*custom_hooks, dict(type=DistillerEMAHook, momentum=0.05)]  # of about 20 rounds
