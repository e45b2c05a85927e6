"""Ablation: one generator for the whole run, and new latents at every step."""

from mmengine.config import read_base

with read_base():
    from .resnet20_inverted import *

model.update(fixed_latents=False)
default_hooks['generator_restart'].update(interval=rounds)
