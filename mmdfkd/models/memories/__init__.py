"""Memories: of the synthetic images that the student is trained on, and of features."""

from .feature_bank import FeatureBank
from .image_memory import Batch, ImageMemory
from .labelled_memory import LabelledMemory

__all__ = ['Batch', 'FeatureBank', 'ImageMemory', 'LabelledMemory']
