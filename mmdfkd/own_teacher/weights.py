"""How a file of weights fits a network: what is before its keys, and its classes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmdfkd.models.classifiers.classifier import WRAPPERS, find_final_layer

from .libraries import Found


def fit(found: Found, weights: Mapping[str, Tensor], prefix: str | None = None) -> str:
    """Give a network the classes and channels of ``weights``; returns the prefix of their keys.

    Args:
        found: the network.
        weights: a state dict.
        prefix: of their keys, or None to find it.

    Raises:
        ValueError: if a key is missing or of another shape all the same.
    """
    network = found.build()
    own = network.state_dict()
    if prefix is None:
        prefix = _prefix(list(own), weights)
    elif not any(key.startswith(prefix) for key in weights):
        raise ValueError(
            f'--prefix should be what keys of the weights begin with, but got {prefix!r}; they '
            f'are as {next(iter(weights), None)!r}'
        )
    layer = _final_layer(network)
    for key in (f'{layer}.weight', f'{layer}.bias'):
        value = weights.get(prefix + key)
        if layer and value is not None and value.shape[0] != own[key].shape[0]:
            found.set_classes(value.shape[0])
    first = next((key for key, value in own.items() if value.dim() == 4), '')
    value = weights.get(prefix + first)
    if value is not None and value.dim() == 4 and value.shape[1] != own[first].shape[1]:
        found.set_channels(value.shape[1])
    own = found.build().state_dict()
    shapes = {key.removeprefix(prefix): value.shape for key, value in weights.items()}
    wrong = [key for key, value in own.items() if shapes.get(key) != value.shape]
    if wrong:
        told = tuple(shapes[wrong[0]]) if wrong[0] in shapes else 'not there'
        raise ValueError(
            f'the weights should be those of {found.library}’s '
            f'{found.network.get("model_name", found.network["type"])}, but of its {len(own)} '
            f'tensors {len(wrong)} do not fit: {wrong[0]} should be {tuple(own[wrong[0]].shape)}, '
            f'but is {told}; give the network that they are of, and its options'
        )
    return prefix


def _final_layer(network: Any) -> str:
    try:
        layer = find_final_layer(network)
    except ValueError:
        return ''
    # mmpretrain's wrappers take their own 'model.' off the keys.
    return layer.removeprefix('model.') if isinstance(network, WRAPPERS) else layer


def _prefix(own: list[str], weights: Mapping[str, Tensor]) -> str:
    """Return what stands before the network's keys in the file; empty if nothing fits.

    Raises:
        ValueError: if there are several such networks, and their weights differ.
    """
    ends = [key.removesuffix(own[0]) for key in weights if key.endswith(own[0])]
    full = [end for end in ends if all(end + key in weights for key in own)]
    if '' in full or not full:
        return ''
    first, *others = full
    if any(not torch.equal(weights[first + k], weights[end + k]) for end in others for k in own):
        raise ValueError(
            f'--weights should have one network of this kind, but got {len(full)} with other '
            f'weights, whose keys begin with {full}; choose one with --prefix'
        )
    return first
