"""The state of a process's random number generators, as plain data for a checkpoint."""

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the states of Python's, numpy's and torch's CPU generators: tensors and numbers."""
    version, words, gauss = random.getstate()
    _, key, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        'python': (version, torch.tensor(words), gauss),
        'numpy': (
            torch.tensor(np.asarray(key, np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ),
        'torch': torch.get_rng_state(),
    }


def restore_random_state(state: Any) -> None:
    """Go on with the states of :func:`random_state`.

    Raises:
        ValueError: if ``state`` is something else.
    """
    try:
        version, words, gauss = state['python']
        key, position, has_gauss, cached = state['numpy']
        # numpy believes what it is told of the position, and reads there.
        if tuple(key.shape) != (624,) or not 0 <= int(position) <= 624:
            raise IndexError('numpy’s position')
        numbers = key.cpu().numpy().astype(np.uint32), int(position), int(has_gauss), float(cached)
        random.setstate((version, tuple(words.tolist()), gauss))
        np.random.set_state(('MT19937', *numbers))
        torch.set_rng_state(state['torch'].cpu())
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            'the checkpoint should have the states of random number generators, but got others '
            f'({type(error).__name__}: {error}); take another checkpoint'
        ) from error
