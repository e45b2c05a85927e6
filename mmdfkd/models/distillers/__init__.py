"""Distillers: two families, one file a method."""

from .base import DataFreeDistiller
from .cmi import CMI
from .dafl import DAFL
from .dedfkd import DEDFKD
from .deepinversion import DeepInversion
from .dfad import DFAD
from .dfq import DFQ
from .fast_datafree import FastDatafree
from .generative import GenerativeDistiller
from .generator_inversion import GeneratorInversion
from .inversion import InversionDistiller
from .load import load_distiller
from .mad import MAD
from .nayer import NAYER
from .noise import GaussianNoise
from .other_images import OtherImages
from .synthesis import choose_source, samples_of
from .zskt import ZSKT

__all__ = [
    'CMI',
    'DAFL',
    'DEDFKD',
    'DFAD',
    'DFQ',
    'MAD',
    'NAYER',
    'ZSKT',
    'DataFreeDistiller',
    'DeepInversion',
    'FastDatafree',
    'GaussianNoise',
    'GenerativeDistiller',
    'GeneratorInversion',
    'InversionDistiller',
    'OtherImages',
    'choose_source',
    'load_distiller',
    'samples_of',
]
