"""Lets torch's safe loader read MMEngine's own checkpoints."""

import codecs
import pickle
from collections.abc import Callable

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from numpy._core import multiarray  # type: ignore[attr-defined]

_STATISTICS = ('min', 'max', 'current', 'mean')


def _history_buffer_statistic(owner: object, name: str) -> Callable:
    """Stand in for the ``getattr`` by which a ``HistoryBuffer`` pickles its methods.

    Raises:
        pickle.UnpicklingError: for anything but the four statistics of
            ``HistoryBuffer``, so that a file cannot reach other attributes.
    """
    if owner is not HistoryBuffer or name not in _STATISTICS:
        raise pickle.UnpicklingError(
            f'a checkpoint should only name the statistics {_STATISTICS} of HistoryBuffer, '
            f'but got {name!r} of {owner!r}; do not load this file'
        )
    return getattr(HistoryBuffer, name)


def allow_mmengine_checkpoints() -> None:
    """Allow-list what a full MMEngine checkpoint holds beside tensors.

    Since torch 2.6 ``torch.load`` unpickles known-safe types only, and a
    checkpoint's message hub holds ``HistoryBuffer`` objects and numpy scalars:
    MMEngine 0.10.7 cannot load what it has saved. What is allowed here builds
    plain data and runs no code of the file's; all else stays refused.
    """
    numbers = [np.dtype(code) for code in ('f8', 'f4', 'i8', 'i4', '?')]
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            (_history_buffer_statistic, 'builtins.getattr'),
            (_history_buffer_statistic, '__builtin__.getattr'),
            np.ndarray,
            np.dtype,
            *{type(number) for number in numbers},
            multiarray._reconstruct,
            multiarray.scalar,
            codecs.encode,
        ]
    )
