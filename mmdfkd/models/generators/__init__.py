"""Generators: latents and class labels to pixels in [0, 255]."""

from .conditional import ConditionalGenerator
from .layered import LayeredGenerator
from .noisy_label import NoisyLabelGenerator
from .unconditional import UnconditionalGenerator

__all__ = [
    'ConditionalGenerator',
    'LayeredGenerator',
    'NoisyLabelGenerator',
    'UnconditionalGenerator',
]
