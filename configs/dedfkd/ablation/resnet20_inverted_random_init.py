"""Ablation: the student starts from nothing."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model['student'].update(init_from_teacher=False)
