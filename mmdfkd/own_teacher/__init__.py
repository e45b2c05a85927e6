"""From names and a file to a config: what ``mmdfkd distill`` finds out on its own."""

from .config_text import config_text
from .libraries import Found, find_all
from .pair import SHALLOWER, Images, Pair, find_pair
from .recipe import Recipe, make_recipe

__all__ = [
    'SHALLOWER',
    'Found',
    'Images',
    'Pair',
    'Recipe',
    'config_text',
    'find_all',
    'find_pair',
    'make_recipe',
]
