"""What the scripts of tools/ share about their command lines."""

from .cfg_options import merge_options

__all__ = ['merge_options']
