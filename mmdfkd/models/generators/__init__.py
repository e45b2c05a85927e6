"""Generators: latents and class labels to pixels in [0, 255]."""

from .conditional import ConditionalGenerator
from .unconditional import UnconditionalGenerator

__all__ = ['ConditionalGenerator', 'UnconditionalGenerator']
