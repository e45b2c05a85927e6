"""Values of a config as Python that people read."""

from typing import Any

_WIDTH = 88


class Name(str):
    """An imported name: no quotes around it."""


def code(value: Any, indent: int = 0, before: int = 0) -> str:
    """Write a value as Python, a key a line where one line is too long.

    Args:
        value: of dicts, lists, plain values, :class:`Name`, and classes, which MMEngine's
            registries find by their dotted names.
        indent: spaces at the start of the line that it is in.
        before: characters between those and it.
    """
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, type):
        return repr(f'{value.__module__}.{value.__qualname__}')
    if isinstance(value, dict):
        items = [(f'{key}=', each) for key, each in value.items()]
        opened, closed = 'dict(', ')'
    elif isinstance(value, list | tuple):
        items = [('', each) for each in value]
        opened, closed = '[', ']'
    else:
        return repr(value)
    flat = opened + ', '.join(key + code(each) for key, each in items) + closed
    if indent + before + len(flat) <= _WIDTH:
        return flat
    space = ' ' * (indent + 4)
    lines = [f'{space}{key}{code(each, indent + 4, len(key) + 1)},' for key, each in items]
    return '\n'.join([opened, *lines, ' ' * indent + closed])
