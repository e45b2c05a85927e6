"""The commands, a file each; tools/ has a script of every one, and no code of its own.

``mmdfkd_command.py``, beside the package, gives them as subcommands of ``mmdfkd``.
"""

from .cfg_options import DictAction, merge_options
from .config_files import config_file, config_path, read_config, read_distillation

__all__ = [
    'DictAction',
    'config_file',
    'config_path',
    'merge_options',
    'read_config',
    'read_distillation',
]
