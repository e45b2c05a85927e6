"""Schedulers of learning rates that MMEngine has not."""

from .cosine_period_lr import CosinePeriodLR

__all__ = ['CosinePeriodLR']
