"""A narrower student: its teacher's network with a part of the channels."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mmdfkd.registry import MODELS

from .channel_groups import Axis, channel_groups
from .probe import MISFITS, logits_of
from .student_init import CONVOLUTIONS, statistics_of


@MODELS.register_module()
def narrower(
    network: dict, image_shape: Sequence[int], width: float = 0.5, **options: Any
) -> nn.Module:
    """Build a network of fewer channels between images and logits.

    Layers keep their names, so that ``init_from_teacher`` gives them the teacher's weights. Which
    axes index the same channels is read from a pass
    (:func:`~mmdfkd.models.classifiers.channel_groups.channel_groups`).

    Args:
        network: config of a network.
        image_shape: (channels, height, width) of the images that it takes.
        width: the part of the channels that each layer keeps, over 0 and under 1.
        **options: further arguments of the network.

    Raises:
        ValueError: if ``width`` is not between 0 and 1, or if the network does not take fewer
            channels: some are fixed in its code, or its layers are of other kinds.
    """
    if not 0 < width < 1:
        raise ValueError(f'width should be over 0 and under 1, but got {width}')
    built = MODELS.build({**network, **options})
    was_training = built.training
    built.eval()
    images = torch.zeros(2, *image_shape)
    try:
        expected = logits_of(built(images)).shape
        with torch.enable_grad():
            groups = channel_groups(built, images)
        for axes in groups:
            _cut(built, axes, width)
        for module in built.modules():
            _tell_channels(module)
        cut = logits_of(built(images)).shape
    except (ValueError, *MISFITS) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(f'a {type(built).__name__} cannot be made narrower: {reason}') from error
    if cut != expected:
        raise ValueError(
            f'a {type(built).__name__} cannot be made narrower: its logits would be '
            f'{tuple(cut)}, not {tuple(expected)}'
        )
    built.train(was_training)
    return built


def _cut(network: nn.Module, axes: list[Axis], width: float) -> None:
    """Leave the first channels of a group, in all tensors that have them."""
    # No state dict: mmpretrain's wrappers of timm's networks give it other keys.
    tensors = dict([*network.named_parameters(), *network.named_buffers()])
    axes = [*axes, *(found for axis in axes for found in statistics_of(axis, tensors))]
    channels = min(tensors[axis.tensor].size(axis.dim) for axis in axes)
    kept = max(1, round(channels * width))
    for name, dim in axes:
        layer, _, own = name.rpartition('.')
        module = network.get_submodule(layer)
        value = getattr(module, own).data  # as it is now: a tensor may have two axes of a group
        if value.size(dim) % channels:
            raise ValueError(f'{name} has {value.size(dim)} entries for {channels} channels')
        value = value.narrow(dim, 0, value.size(dim) // channels * kept).clone()
        setattr(module, own, nn.Parameter(value) if own in module._parameters else value)


def _tell_channels(module: Any) -> None:
    """Have a layer know the channels that its weights are for."""
    weight: Any = getattr(module, 'weight', None)
    if isinstance(module, CONVOLUTIONS):
        if module.groups > 1:
            if module.groups != module.in_channels:
                raise ValueError(f'a convolution has {module.groups} groups')
            module.groups = weight.size(0) * module.groups // module.out_channels
        module.out_channels = weight.size(0)
        module.in_channels = weight.size(1) * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = weight.shape
    elif isinstance(module, nn.LayerNorm) and weight is not None:
        module.normalized_shape = tuple(weight.shape)
    elif isinstance(module, nn.modules.batchnorm._BatchNorm) and weight is not None:
        module.num_features = len(weight)
