"""What ``--cfg-options`` may override."""

import difflib
import inspect
from itertools import accumulate
from typing import Any

from mmengine.config import Config
from mmengine.config import DictAction as MMEngineDictAction
from mmengine.runner import Runner

#: What is read of a config besides the Runner's own arguments.
ALSO_READ = (
    'activation_checkpointing',
    'compile',
    'efficient_conv_bn_eval',
    'model_wrapper_cfg',
    'real_images',
    'sync_bn',
)


class DictAction(MMEngineDictAction):
    """MMEngine's ``KEY=VALUE``, without taking the spaces out of a path or of a list's names."""

    @staticmethod
    def _parse_iterable(val: str) -> Any:
        word = val.strip().strip('\'"')
        ends = word[:1] + word[-1:]
        listed = ends in ('()', '[]') and min(_depths(word)[:-1]) > 0  # '(a) b (c)' is a path
        items = _items(word[1:-1] if listed else word)
        if not listed and len(items) == 1:
            return MMEngineDictAction._parse_int_float_bool(word)
        if not items[-1].strip():  # of '(1,)', and of '[]'
            items.pop()
        values = [DictAction._parse_iterable(item) for item in items]
        return tuple(values) if listed and ends == '()' else values


def _depths(text: str) -> list[int]:
    """Count the brackets that are open after each character."""
    return list(accumulate((char in '([') - (char in ')]') for char in text))


def _items(text: str) -> list[str]:
    """Split at the commas that are in no brackets.

    Raises:
        ValueError: if there are commas, and brackets are not in pairs.
    """
    depths = _depths(text)
    if ',' in text and (depths[-1] or min(depths) < 0):
        raise ValueError(
            f'a list among the options should have its brackets in pairs, but got {text!r}; close '
            'them all'
        )
    items = ['']
    for char, depth in zip(text, depths, strict=True):
        if char == ',' and not depth:
            items.append('')
        else:
            items[-1] += char
    return items


def check_not_twice(options: dict[str, Any], given: dict[str, str]) -> None:
    """Raise a ValueError if an option sets what another argument says.

    Args:
        options: of ``--cfg-options``.
        given: what else was given, by the key that it sets.
    """
    for key, name in given.items():
        if key in options:
            raise ValueError(
                f'--cfg-options should leave {key} to {name}, but got {key}={options[key]}; '
                'leave it out there'
            )


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
