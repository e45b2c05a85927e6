"""Figures of merit: of synthetic images, and of students."""

from .extractors import ClassifierExtractor, InceptionExtractor
from .metrics import Fidelity

__all__ = ['ClassifierExtractor', 'Fidelity', 'InceptionExtractor']
