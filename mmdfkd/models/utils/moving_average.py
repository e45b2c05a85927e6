"""An exponential moving average of a network."""

import torch
from torch import nn

from .frozen import unwrap


@torch.no_grad()
def move_towards(average: nn.Module, network: nn.Module, share: float) -> None:
    """Move the weights and buffers of ``average`` towards those of ``network``, in place.

    Whole numbers, as counts of batches, are taken over.

    Args:
        average: a copy of ``network``.
        network: may have a distributed wrapper.
        share: of the way, in [0, 1].
    """
    states = zip(average.state_dict().values(), unwrap(network).state_dict().values(), strict=True)
    for mean, value in states:
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)
