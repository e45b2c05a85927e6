"""MMEngine metrics, of synthetic samples unless they say otherwise."""

from .agreement import Agreement
from .class_balance import ClassBalance
from .diversity import Diversity

__all__ = ['Agreement', 'ClassBalance', 'Diversity']
