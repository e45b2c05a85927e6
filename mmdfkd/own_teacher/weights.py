"""How a file of weights fits a network: what is before its keys, and its classes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.models.classifiers.brought import WRAPPERS
from mmdfkd.models.classifiers.classifier import find_final_layer

from .libraries import Found

_COUNTER = 'num_batches_tracked'  # files of other tools lack it, and torch does without


def fit(found: Found, weights: Mapping[str, Tensor], prefix: str | None = None) -> str:
    """Give a network the classes and channels of ``weights``; returns the prefix of their keys.

    Args:
        found: the network.
        weights: a state dict.
        prefix: of their keys, or None to find it.

    Raises:
        ValueError: if a key is missing, of another shape or one too many all the same.
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
    _fit_channels(found, network, weights, prefix)
    given = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
    _check_fit(found, given)
    return prefix


def _fit_channels(found: Found, network: Any, weights: Mapping[str, Tensor], prefix: str) -> None:
    """Give the network the channels that its first convolution has in the file."""
    layers = ((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    name, first = next(layers, ('', None))
    value = weights.get(f'{prefix}{_bare(network, name)}.weight')
    if first is None or value is None or value.dim() != 4:
        return
    channels = value.shape[1] * first.groups
    if channels != first.in_channels:
        found.set_channels(channels)
    elif channels in (1, 3):  # not those of a layer that is called later
        found.channels = channels


def _check_fit(found: Found, given: dict[str, Tensor]) -> None:
    """Raise a ValueError if the weights are not all those of the network, and no others."""
    network = found.build()
    own = network.state_dict()
    name = f'{found.library}’s {found.network.get("model_name", found.network["type"])}'
    wrong = [
        key
        for key, value in own.items()
        if (given[key].shape != value.shape if key in given else not key.endswith(_COUNTER))
    ]
    if wrong:
        told = tuple(given[wrong[0]].shape) if wrong[0] in given else 'not there'
        raise ValueError(
            f'the weights should be those of {name}, but of its {len(own)} tensors {len(wrong)} do '
            f'not fit: {wrong[0]} should be {tuple(own[wrong[0]].shape)}, but is {told}; give the '
            'network that they are of, and its options'
        )
    # Its hooks may take keys off.
    others = network.load_state_dict(given, strict=False).unexpected_keys
    if others:
        raise ValueError(
            f'the weights should be those of {name}, but it has no {_bare(network, others[0])}, '
            f'one of {len(others)} such keys; give the network that they are of, its options, or '
            'the --prefix of its keys'
        )


def _final_layer(network: Any) -> str:
    try:
        return _bare(network, find_final_layer(network))
    except ValueError:
        return ''


def _bare(network: Any, name: str) -> str:
    """Take 'model.' off, as mmpretrain's wrappers do of their keys."""
    return name.removeprefix('model.') if isinstance(network, WRAPPERS) else name


def _prefix(own: list[str], weights: Mapping[str, Tensor]) -> str:
    """Return what stands before the network's keys in the file; empty if nothing fits.

    Raises:
        ValueError: if there are several such networks, and their weights differ.
    """
    own = [key for key in own if not key.endswith(_COUNTER)]
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
