"""Random numbers of the samples of a stream, the same however it is divided."""

import numpy as np
import torch
from torch import Tensor


def draws_at(places: range, seed: int, stream: int) -> Tensor:
    """Return a number (N,) in [0, 1), float64, for each place; of seed, stream and place alone.

    Args:
        places: of the samples.
        seed: at least 0.
        stream: what the numbers are for, at least 1. Latents are drawn of a seed alone, or of seed
            and place: numbers of theirs would choose samples by their class.
    """
    generator = np.random.Generator(np.random.PCG64((seed, 0, stream)).advance(places.start))
    return torch.from_numpy(generator.random(len(places) * places.step)[:: places.step].copy())
