"""Passes through a network that must not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn


def unwrap(network: nn.Module) -> Any:
    """Take a distributed wrapper off, if there is one."""
    return network.module if is_model_wrapper(network) else network


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """Lend ``network`` in eval mode and without weight gradients, then put it back.

    Gradients still flow to the inputs of a pass made inside, also when
    ``backward`` is called later; BN running statistics stay. A distributed
    wrapper is taken off, since its reducer would wait for weight gradients.
    """
    network = unwrap(network)
    was_training = {module: module.training for module in network.modules()}
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.eval()
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield network
    finally:
        for module, training in was_training.items():
            module.training = training
        for parameter in trainable:
            parameter.requires_grad_(True)
