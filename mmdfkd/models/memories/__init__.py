"""Memories: of the synthetic images that the student is trained on, and of features."""

from .feature_bank import FeatureBank
from .image_bank import Batch, ImageBank
from .labelled_memory import LabelledMemory

__all__ = ['Batch', 'FeatureBank', 'ImageBank', 'LabelledMemory']
