"""Data sets: class labels to train on, and real images to evaluate with."""

from .label_dataset import LabelDataset
from .mnist5k import MNIST5k
from .real import CIFAR10, CIFAR100, MNIST

__all__ = ['CIFAR10', 'CIFAR100', 'MNIST', 'LabelDataset', 'MNIST5k']
