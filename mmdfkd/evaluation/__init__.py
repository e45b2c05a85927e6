"""Figures of merit: of synthetic images, and of students."""

from .extractors import ClassifierExtractor, InceptionExtractor
from .metrics import Agreement, ClassBalance, Diversity, Fidelity

__all__ = [
    'Agreement',
    'ClassBalance',
    'ClassifierExtractor',
    'Diversity',
    'Fidelity',
    'InceptionExtractor',
]
