"""Data sets: class labels to train on, and MNIST-5k to try things with."""

from .label_dataset import LabelDataset
from .mnist5k import MNIST5k

__all__ = ['LabelDataset', 'MNIST5k']
