"""Memories: the synthetic images that the student is trained on."""

from .image_bank import Batch, ImageBank
from .labelled_memory import LabelledMemory

__all__ = ['Batch', 'ImageBank', 'LabelledMemory']
