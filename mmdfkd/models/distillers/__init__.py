"""Distillers: one file a method."""

from .base import DataFreeDistiller
from .dafl import DAFL
from .dedfkd import DEDFKD
from .load import load_distiller

__all__ = ['DAFL', 'DEDFKD', 'DataFreeDistiller', 'load_distiller']
