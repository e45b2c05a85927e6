"""Random numbers of the samples of a stream, the same however it is divided."""

import numpy as np
import torch
from torch import Tensor


def draws_at(places: range, seed: int) -> Tensor:
    """Return a number (N,) in [0, 1), float64, for each place; of seed and place alone."""
    generator = np.random.Generator(np.random.PCG64(seed).advance(places.start))
    return torch.from_numpy(generator.random(len(places) * places.step)[:: places.step].copy())
