"""MMEngine metrics, one a file."""

from .fidelity import Fidelity

__all__ = ['Fidelity']
