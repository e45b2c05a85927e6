"""Models: distillers, generators, losses, backbones and what they share.

Importing this module registers all of them.
"""

from . import backbones, distillers, generators, losses, memories, utils

__all__ = ['backbones', 'distillers', 'generators', 'losses', 'memories', 'utils']
