"""Data sets: labels to train on; latents, and real images also corrupted, to evaluate with."""

from .cifar_c import CIFARC
from .folders import ImageFolder, ImageNet
from .label_dataset import LabelDataset
from .mnist5k import MNIST5k
from .real import CIFAR10, CIFAR100, MNIST, FashionMNIST
from .synthetic import LatentDataset, MemoryDataset
from .transforms import Corrupt

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CIFARC',
    'MNIST',
    'Corrupt',
    'FashionMNIST',
    'ImageFolder',
    'ImageNet',
    'LabelDataset',
    'LatentDataset',
    'MNIST5k',
    'MemoryDataset',
]
