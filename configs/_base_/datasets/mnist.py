"""MNIST: 60,000 images to train a teacher, 10,000 to evaluate on."""

from mmengine.config import read_base

from mmdfkd.datasets import MNIST

with read_base():
    from ..models.lenet5_networks import pipeline
    from .mnist5k import *

val_dataloader['dataset'] = dict(
    type=MNIST, data_root='data/mnist', split='test', pipeline=pipeline, download=False
)
test_dataloader = val_dataloader
