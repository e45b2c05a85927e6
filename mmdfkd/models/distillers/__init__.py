"""Distillers: a base for each family, and one file a method."""

from .base import DataFreeDistiller
from .cmi import CMI
from .dafl import DAFL
from .dedfkd import DEDFKD
from .deepinversion import DeepInversion
from .dfad import DFAD
from .dfq import DFQ
from .fast_datafree import FastDatafree
from .frame.load import load_distiller
from .frame.synthesis import choose_source, samples_of
from .generative import GenerativeDistiller
from .generator_inversion import GeneratorInversion
from .inversion import InversionDistiller
from .mad import MAD
from .nayer import NAYER
from .noise import GaussianNoise
from .other_images import OtherImages
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
