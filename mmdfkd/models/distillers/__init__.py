"""Distillers: one file a method."""

from .base import DataFreeDistiller
from .dafl import DAFL
from .dedfkd import DEDFKD

__all__ = ['DAFL', 'DEDFKD', 'DataFreeDistiller']
