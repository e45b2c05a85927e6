"""Ablation: the student and the adversary begin at once."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(warmup_rounds=0)
param_scheduler['student'][0].update(begin=0)
