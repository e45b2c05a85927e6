"""Engine: hooks and optimiser constructors. Importing it registers them."""

from . import hooks, optimizers

__all__ = ['hooks', 'optimizers']
