"""Distillers: two families, one file a method."""

from .base import DataFreeDistiller
from .dafl import DAFL
from .dedfkd import DEDFKD
from .fast_datafree import FastDatafree
from .generative import GenerativeDistiller
from .inversion import InversionDistiller
from .load import load_distiller
from .nayer import NAYER
from .synthesis import choose_source

__all__ = [
    'DAFL',
    'DEDFKD',
    'NAYER',
    'DataFreeDistiller',
    'FastDatafree',
    'GenerativeDistiller',
    'InversionDistiller',
    'choose_source',
    'load_distiller',
]
