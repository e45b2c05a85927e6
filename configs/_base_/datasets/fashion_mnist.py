"""Fashion-MNIST: 60,000 images to train a teacher, 10,000 to evaluate on."""

from mmengine.config import read_base

from mmdfkd.datasets import FashionMNIST

with read_base():
    from ..models.lenet5_networks import pipeline
    from .mnist5k import *

val_dataloader['dataset'] = dict(
    type=FashionMNIST,
    data_root='data/fashion_mnist',
    split='test',
    pipeline=pipeline,
    download=False,
)
test_dataloader = val_dataloader
