"""A student that starts as a part of its teacher: no image is needed for it.

A layer of the student takes the weights of the teacher's layer of the same name, with its
batch norm statistics. Where the student is narrower, the channels with the largest weights
are kept, the same ones in all the layers that share them.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .channel_groups import Axis, channel_groups

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def channel_importance(tensors: Sequence[tuple[Tensor, int]], width: int) -> Tensor:
    """Rate the channels of a group by their weights in all tensors that have them.

    A tensor's part is the squared L2 norm of a channel's weights over the mean of all
    channels, so that each tensor counts alike (DepGraph, Fang et al., CVPR 2023, section
    3.3, with equal weights).

    Args:
        tensors: pairs of a tensor and its dimension of the channels; that may hold several
            entries in a row for each, as after flattening maps.
        width: number of channels W.

    Returns:
        A value a channel, (W,), at least 0.
    """
    ratings = []
    for weights, dim in tensors:
        squares = weights.float().movedim(dim, 0).reshape(width, -1).square().sum(1)
        ratings.append(squares / squares.mean().clamp_min(1e-12))
    return torch.stack(ratings).mean(0)


def select_channels(weights: Tensor, dim: int, kept: Tensor, width: int) -> Tensor:
    """Keep the channels ``kept`` (K,) of the ``width`` along ``dim``, which may be repeated."""
    repeats = weights.size(dim) // width
    entries = kept[:, None] * repeats + torch.arange(repeats, device=kept.device)
    return weights.index_select(dim, entries.flatten())


def statistics_of(axis: Axis, state: dict[str, Tensor]) -> list[Axis]:
    """Return the axes of the running statistics beside a batch norm's weight."""
    layer, _, kind = axis.tensor.rpartition('.')
    names = [f'{layer}.running_mean', f'{layer}.running_var'] if kind == 'weight' else []
    return [Axis(name, 0) for name in names if name in state and axis.dim == 0]


def part_of_teacher(teacher: nn.Module, student: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Cut the student's weights out of the teacher's.

    Args:
        teacher: has a tensor of each name that the student has, as large or larger.
        student: network in eval mode; nothing of it is changed.
        inputs: images that both take, (N, C, H, W); their values do not matter.

    Returns:
        A state dict of the student.

    Raises:
        ValueError: if the student is no part of the teacher.
    """
    source, own = teacher.state_dict(), student.state_dict()
    missing = [name for name in own if name not in source]
    if missing:
        raise ValueError(
            f'the student should have layers of the teacher for init_from_teacher, but got '
            f'{missing[:3]} that the teacher has not; name its layers like the teacher’s, or '
            'leave init_from_teacher out'
        )
    part = {name: source[name].clone() for name in own}
    if any(part[name].shape != own[name].shape for name in own):
        _check_groups(part, student)
        _narrow(part, own, channel_groups(student, inputs))
    unfit = [name for name in own if part[name].shape != own[name].shape]
    if unfit:
        raise ValueError(
            'the student should differ from the teacher in depth and width only for '
            f'init_from_teacher, but got {unfit[0]} of shape {tuple(own[unfit[0]].shape)}, of '
            f'which the teacher’s {tuple(source[unfit[0]].shape)} gives '
            f'{tuple(part[unfit[0]].shape)}; leave init_from_teacher out'
        )
    return part


def _check_groups(part: dict[str, Tensor], student: nn.Module) -> None:
    """Refuse a narrower grouped convolution: its groups would have channels of several."""
    for name, layer in student.named_modules():
        grouped = isinstance(layer, CONVOLUTIONS) and 1 < layer.groups < layer.in_channels
        if grouped and part[f'{name}.weight'].shape != layer.weight.shape:
            raise ValueError(
                'init_from_teacher should be False for a student with narrower convolutions in '
                f'groups, but {name} has {layer.groups} groups; leave init_from_teacher out'
            )


def _narrow(part: dict[str, Tensor], own: dict[str, Tensor], groups: list[list[Axis]]) -> None:
    """Cut the tensors in ``part`` to the sizes in ``own``, group by group."""
    for group in groups:
        # An axis that fits stays as it is: where only the teacher has a projection between
        # two stages, the two have one group in the student and different widths in the teacher.
        axes = [a for a in group if part[a.tensor].size(a.dim) != own[a.tensor].size(a.dim)]
        if not axes:
            continue
        width = min(part[a.tensor].size(a.dim) for a in axes)
        new_width = min(own[a.tensor].size(a.dim) for a in axes)
        if new_width > width or any(
            part[a.tensor].size(a.dim) * new_width != own[a.tensor].size(a.dim) * width
            for a in axes
        ):
            continue  # the caller names what does not fit
        tensors = [(part[a.tensor], a.dim) for a in axes]
        kept = channel_importance(tensors, width).topk(new_width).indices.sort().values
        for axis in [*axes, *(s for a in axes for s in statistics_of(a, part))]:
            part[axis.tensor] = select_channels(part[axis.tensor], axis.dim, kept, width)


def start_as_part(teacher: Any, student: Any, image_shape: Sequence[int]) -> None:
    """Start a student whose ``init_from_teacher`` is set as a part of its teacher.

    Args:
        teacher: a :class:`~mmdfkd.models.classifiers.Classifier` with weights.
        student: a :class:`Classifier`; without ``init_from_teacher`` it is left alone.
        image_shape: (channels, height, width) of an image.

    Raises:
        ValueError: if the student is no part of the teacher, or was given weights.
    """
    if not student.init_from_teacher:
        return
    if student.given_weights:
        raise ValueError(
            'init_from_teacher should be False for a student with weights of its own (checkpoint, '
            'or pretrained, weights or checkpoint_path of its network), but got True; leave out '
            'these or init_from_teacher'
        )
    was_training = student.training
    student.eval()
    with torch.enable_grad():
        part = part_of_teacher(teacher.network, student.network, torch.zeros(1, *image_shape))
    student.drop_features()
    student.train(was_training)
    student.network.load_state_dict(part)
    student.has_weights = True  # its init_weights() keeps them
