"""Models: distillers, generators, losses, backbones and what they share.

Importing this module registers all of them.
"""

from . import backbones, classifiers, distillers, generators, losses, memories, utils

__all__ = ['backbones', 'classifiers', 'distillers', 'generators', 'losses', 'memories', 'utils']
