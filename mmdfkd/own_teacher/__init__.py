"""From names and a file to a config: what ``mmdfkd distill`` finds out on its own."""

from .config_writer import config_text, is_written
from .describe import describe
from .images import Images
from .libraries import Found, find
from .pair import Pair, find_pair
from .recipe import Recipe, make_recipe
from .smaller import NARROWER, SHALLOWER

__all__ = [
    'NARROWER',
    'SHALLOWER',
    'Found',
    'Images',
    'Pair',
    'Recipe',
    'config_text',
    'describe',
    'find',
    'find_pair',
    'is_written',
    'make_recipe',
]
