"""Engine: hooks, optimiser constructors, model wrapper. Importing it registers them."""

from . import distributed, hooks, optimizers

__all__ = ['distributed', 'hooks', 'optimizers']
