"""What ``--cfg-options`` may override."""

import difflib
import inspect
from typing import Any

from mmengine.config import Config
from mmengine.config import DictAction as MMEngineDictAction
from mmengine.runner import Runner

#: What is read of a config besides the Runner's own arguments.
ALSO_READ = (
    'activation_checkpointing',
    'compile',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'real_images',
    'sync_bn',
)


class DictAction(MMEngineDictAction):
    """MMEngine's ``KEY=VALUE``, without taking the spaces out of a path."""

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        word = val.strip('\'"')
        if ' ' in word and word[0] not in '([' and ',' not in word:
            return MMEngineDictAction._parse_int_float_bool(word)
        return MMEngineDictAction._parse_iterable(val)


def merge_options(cfg: Config, options: dict[str, Any]) -> None:
    """Override the config, and refuse what would change nothing: ``rounds``, or a misspelling.

    Raises:
        ValueError: if an option begins with what no run reads, a hook is unknown, or a key has
            no place in the config.
    """
    known = [*inspect.signature(Runner).parameters, *ALSO_READ]
    hooks = [f'default_hooks.{name}' for name in cfg.get('default_hooks') or {}]
    for key in options:
        depth, names = (2, hooks) if hooks and key.startswith('default_hooks.') else (1, known)
        name = '.'.join(key.split('.')[:depth])
        if name not in names:
            close = difflib.get_close_matches(name, names, 1)
            advice = f'did you mean {close[0]}' if close else 'rounds are --rounds'
            raise ValueError(
                f'--cfg-options should begin with one of {", ".join(sorted(names))}, but got '
                f'{key!r}; {advice}?'
            )
    try:
        cfg.merge_from_dict(options)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f'--cfg-options should fit the config, but of {options} it raised '
            f'{type(error).__name__}: {error}; see the keys that the config has there'
        ) from error
