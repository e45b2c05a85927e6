"""MMEngine metrics of synthetic samples, one a file."""

from .agreement import Agreement
from .class_balance import ClassBalance
from .diversity import Diversity
from .fidelity import Fidelity

__all__ = ['Agreement', 'ClassBalance', 'Diversity', 'Fidelity']
