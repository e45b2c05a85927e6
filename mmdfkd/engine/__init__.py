"""Engine: hooks, optimiser constructors, schedulers, model wrapper. Importing registers them."""

from . import distributed, hooks, optimizers, schedulers

__all__ = ['distributed', 'hooks', 'optimizers', 'schedulers']
