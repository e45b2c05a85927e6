"""Distillers: two families, one file a method."""

from .base import DataFreeDistiller
from .dafl import DAFL
from .dedfkd import DEDFKD
from .dfad import DFAD
from .dfq import DFQ
from .generative import GenerativeDistiller
from .inversion import InversionDistiller
from .load import load_distiller
from .mad import MAD
from .synthesis import choose_source
from .zskt import ZSKT

__all__ = [
    'DAFL',
    'DEDFKD',
    'DFAD',
    'DFQ',
    'MAD',
    'ZSKT',
    'DataFreeDistiller',
    'GenerativeDistiller',
    'InversionDistiller',
    'choose_source',
    'load_distiller',
]
