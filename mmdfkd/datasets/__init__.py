"""Data sets: labels to train on, latents and real images to evaluate with."""

from .label_dataset import LabelDataset
from .mnist5k import MNIST5k
from .real import CIFAR10, CIFAR100, MNIST
from .synthetic import BankDataset, LatentDataset

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'MNIST',
    'BankDataset',
    'LabelDataset',
    'LatentDataset',
    'MNIST5k',
]
