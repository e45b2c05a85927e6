"""Values of a config as Python that people read."""

import inspect
import keyword
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

_WIDTH = 88


class Name(str):
    """An imported name: no quotes around it."""


def code(value: Any, indent: int = 0, before: int = 0) -> str:
    """Write a value as Python, a key a line where one line is too long.

    Args:
        value: of dicts, lists, tuples, plain values, numbers of NumPy, paths, :class:`Name`, and
            classes and functions, which MMEngine's registries find by their dotted names.
        indent: spaces at the start of the line that it is in.
        before: characters between those and it.
    """
    parts = _parts(value)
    if parts is None:
        return _plain(value)
    opened, items, closed = parts
    flat = opened + ', '.join(key + code(each) for key, each in items) + closed
    if len(items) == 1 and isinstance(value, tuple):
        flat = f'{opened}{code(items[0][1])},{closed}'
    if indent + before + len(flat) <= _WIDTH:
        return flat
    space = ' ' * (indent + 4)
    lines = [f'{space}{key}{code(each, indent + 4, len(key) + 1)},' for key, each in items]
    return '\n'.join([opened, *lines, ' ' * indent + closed])


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str] | None:
    """Return what opens a container, its items with what is before them, and what closes it."""
    if isinstance(value, Mapping):
        if all(_is_name(key) for key in value):
            return 'dict(', [(f'{key}=', each) for key, each in value.items()], ')'
        return '{', [(f'{code(key)}: ', each) for key, each in value.items()], '}'
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        opened, closed = '[]' if isinstance(value, list) else '()'
        return opened, [('', each) for each in value], closed
    return None


def _is_name(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key)


def _plain(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, type) or inspect.isfunction(value):
        return repr(f'{value.__module__}.{value.__qualname__}')
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, PurePath):
        return repr(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)
