"""Configs as text and as given: found, read, overridden, written; and errors in one line."""

from .cfg_options import DictAction, check_not_twice, merge_options
from .config_files import config_file, config_path, read_config, read_distillation

__all__ = [
    'DictAction',
    'check_not_twice',
    'config_file',
    'config_path',
    'merge_options',
    'read_config',
    'read_distillation',
]
