"""The commands, a file each; tools/ has a script of every one, and no code of its own."""

from .cfg_options import DictAction, merge_options

__all__ = ['DictAction', 'merge_options']
