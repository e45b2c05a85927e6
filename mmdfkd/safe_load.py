"""Lets torch's safe loader read MMEngine's own checkpoints, and every loader be a safe one."""

import math
import os
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

_STATISTICS = ('min', 'max', 'current', 'mean')
_NUMBERS = ('f8', 'f4', 'i8', 'i4', 'b1')
_ENVIRONMENT = threading.RLock()  # one for all threads


def _refuse(expected: str, got: object) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(
        f'a checkpoint should only {expected}, but got {got!r}; do not load this file'
    )


class _Type:
    """Stands in for ``numpy.dtype``: one of a few types of numbers, by its code."""

    def __init__(self, code: object, *_: object) -> None:
        if code not in _NUMBERS:
            raise _refuse(f'hold numbers of the types {_NUMBERS}', code)
        self.dtype = np.dtype(str(code))

    def __setstate__(self, state: object) -> None:
        """Take the byte order; of numbers nothing else is set."""
        if not (isinstance(state, tuple) and len(state) == 8 and state[1] in ('<', '>', '|')):
            raise _refuse('hold numbers with a byte order', state)
        if any(part is not None for part in state[2:5]):
            raise _refuse('hold numbers without fields', state)
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray):
    """Stands in for ``numpy.ndarray``: numbers that are copied from bytes of the right length.

    numpy's own class, called by a file, takes bytes for pointers.
    """

    def __new__(cls, *args: object) -> '_Array':
        """Make an empty array; ``__setstate__`` fills it."""
        if args:
            raise _refuse('make arrays as numpy pickles them', args)
        return super().__new__(cls, (0,))

    def __setstate__(self, state: Any) -> None:
        """Fill the array with (version, shape, type, whether in Fortran's order, bytes)."""
        parts: tuple[Any, ...] = state[1:] if len(state) == 5 else (None,) * 4
        shape, number, fortran, raw = parts
        sane = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
        if not sane or not isinstance(number, _Type) or not isinstance(raw, bytes):
            raise _refuse('hold arrays of numbers', type(raw).__name__)
        if len(raw) != math.prod(shape) * number.dtype.itemsize:
            raise _refuse(f'hold as many bytes as an array of {shape} has', len(raw))
        super().__setstate__((1, shape, number.dtype, bool(fortran), raw))  # type: ignore[arg-type]

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as numpy's own class."""
        return self.view(np.ndarray).__reduce_ex__(protocol)


class _Buffer(HistoryBuffer):
    """Stands in for ``HistoryBuffer``, and becomes one when it is filled."""

    def __init__(self, *args: object) -> None:
        raise _refuse('make a HistoryBuffer as MMEngine pickles it', args)

    def __setstate__(self, state: Any) -> None:
        """Take two histories of numbers and their greatest length; methods are the class's."""
        histories = [state.get(name) for name in ('_log_history', '_count_history')]
        if not all(type(history) is _Array and history.ndim == 1 for history in histories):
            raise _refuse('hold histories that are arrays of numbers', state)
        if len(histories[0]) != len(histories[1]) or type(state.get('max_length')) is not int:
            raise _refuse('hold histories of equal length', state)
        log, count = (history.view(np.ndarray) for history in histories)
        self.__dict__.clear()
        self.__class__ = HistoryBuffer  # type: ignore[assignment]
        self._set_default_statistics()
        self.max_length = state['max_length']
        self._log_history, self._count_history = log, count


class _Namespace:
    """Stands in for ``argparse.Namespace``, which training scripts save; keeps nothing."""

    def __setstate__(self, state: object) -> None:
        """Leave the arguments out."""


def _empty_array(array: object, *_: object) -> _Array:
    """Stand in for numpy's ``_reconstruct``."""
    if array is not _Array:
        raise _refuse('make arrays of numpy’s own class', array)
    return _Array()


def _number(number: object, raw: object) -> Any:
    """Stand in for numpy's ``scalar``."""
    if not (isinstance(number, _Type) and isinstance(raw, bytes)):
        raise _refuse('hold numbers as numpy pickles them', raw)
    if len(raw) != number.dtype.itemsize:
        raise _refuse(f'hold as many bytes as a {number.dtype} has', len(raw))
    return np.frombuffer(raw, number.dtype)[0]


def _history_buffer_statistic(owner: object, name: str) -> Any:
    """Stand in for the ``getattr`` by which a ``HistoryBuffer`` pickles its methods.

    Raises:
        pickle.UnpicklingError: for anything but the four statistics of
            ``HistoryBuffer``, so that a file cannot reach other attributes.
    """
    if owner is not _Buffer or name not in _STATISTICS:
        raise _refuse(f'name the statistics {_STATISTICS} of HistoryBuffer', (owner, name))
    return getattr(HistoryBuffer, name)


def allow_mmengine_checkpoints() -> None:
    """Allow-list what a full MMEngine checkpoint holds beside tensors.

    Since torch 2.6 ``torch.load`` unpickles known-safe types only, and a
    checkpoint's message hub holds ``HistoryBuffer`` objects and numpy scalars:
    MMEngine 0.10.7 cannot load what it has saved. The names that such a file
    calls are given to functions of this module, which check what they are given
    and make numbers of it; numpy's own would trust the file.
    """
    stand_ins: dict[str, Any] = {
        'mmengine.logging.history_buffer.HistoryBuffer': _Buffer,
        'builtins.getattr': _history_buffer_statistic,
        '__builtin__.getattr': _history_buffer_statistic,
        'numpy.ndarray': _Array,
        'numpy.dtype': _Type,
        'argparse.Namespace': _Namespace,
    }
    for module in ('numpy._core.multiarray', 'numpy.core.multiarray'):
        stand_ins[f'{module}._reconstruct'] = _empty_array
        stand_ins[f'{module}.scalar'] = _number
    torch.serialization.add_safe_globals([(part, name) for name, part in stand_ins.items()])


@contextmanager
def only_safe_loads() -> Iterator[None]:
    """Have each ``torch.load`` inside be a safe one, whatever its caller asked for.

    It is for other packages' builders that load weights on their own, as
    torchvision's and timm's do. One thread at a time is inside, as often as it likes.
    """
    force, forbid = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
    with _ENVIRONMENT:
        before = {name: os.environ.pop(name, None) for name in (force, forbid)}
        os.environ[force] = '1'
        try:
            yield
        finally:
            del os.environ[force]
            os.environ.update({name: value for name, value in before.items() if value is not None})
