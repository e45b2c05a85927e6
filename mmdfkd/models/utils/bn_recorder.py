"""Records what a network's batch norms see, for as long as a ``with`` block lasts."""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.hooks import RemovableHandle

from .gather import gather, get_world_size
from .precision import full_precision
from .watching import Watcher


class BNStatistics(NamedTuple):
    """Batch and running statistics of one BN layer's input, each (C,)."""

    mean: Tensor
    var: Tensor
    running_mean: Tensor
    running_var: Tensor


def gather_statistics(statistics: Sequence[BNStatistics]) -> list[BNStatistics]:
    """Batch statistics over all processes, in one communication and with gradients.

    The variance is the mean of the processes' variances plus the variance of their
    means, since each has as many images.

    Args:
        statistics: one entry a BN layer, of this process's images.

    Returns:
        The same entries in a single process.
    """
    if get_world_size() == 1:
        return list(statistics)
    mine = torch.cat([torch.stack([layer.mean, layer.var]) for layer in statistics], dim=1)
    means, variances = gather(mine[None]).unbind(1)
    mean = means.mean(0)
    var = variances.mean(0) + means.var(0, correction=0)
    sizes = [len(layer.mean) for layer in statistics]
    return [
        layer._replace(mean=layer_mean, var=layer_var)
        for layer, layer_mean, layer_var in zip(
            statistics, mean.split(sizes), var.split(sizes), strict=True
        )
    ]


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """List the BN layers of ``network`` that keep running statistics."""
    return [
        module
        for module in network.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]


@torch.no_grad()
def channels_passed(network: nn.Module, image_shape: Sequence[int]) -> list[int]:
    """Return the numbers of channels that :class:`BNRecorder` sees in a pass in eval mode.

    A head that serves training alone has layers that are not passed; one may be passed twice.
    The pass is of shapes: a copy without values sees no image. Where the network asks for
    values, these are the channels of all its layers.
    """
    all_layers = [layer.num_features for layer in batch_norms(network)]
    images = torch.empty(2, *image_shape, device='meta')
    if type(images) is not Tensor:  # built to see shapes alone
        return all_layers
    part = copy.deepcopy(network).to('meta').eval()
    try:
        with BNRecorder(part) as recorder:
            part(images)
    except Exception:
        return all_layers
    return [len(layer.mean) for layer in recorder.statistics]


class _ChannelStatistics(torch.autograd.Function):
    """Mean and variance with a backward pass of their own.

    On a CPU ``torch.var_mean`` over these dimensions takes longer than a convolution of the
    same maps; this takes a fourth of it, forwards and backwards.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> tuple[Tensor, Tensor]:
        over = [dim for dim in range(maps.dim()) if dim != 1]
        if maps.is_cpu:
            mean = maps.mean(over)
            var = (maps - _over_channels(mean, maps)).square_().mean(over)
        else:
            var, mean = torch.var_mean(maps, dim=over, correction=0)
        ctx.save_for_backward(maps, mean)
        return mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_mean: Tensor, grad_var: Tensor) -> Tensor:
        maps, mean = ctx.saved_tensors
        share = len(mean) / maps.numel()
        slope = 2 * share * grad_var
        offset = share * grad_mean - slope * mean
        return torch.addcmul(_over_channels(offset, maps), maps, _over_channels(slope, maps))


def _over_channels(values: Tensor, maps: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (maps.dim() - 2))


def channel_statistics(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and (biased) variance (C,) of the channels of ``maps`` (N, C, ...)."""
    return _ChannelStatistics.apply(maps)


class BNRecorder(Watcher):
    """Context manager: collects :class:`BNStatistics` of every BN layer passed.

    Args:
        network: the network to watch; nothing of it is changed.

    Examples:
        >>> teacher = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
        >>> with BNRecorder(teacher) as recorder:
        ...     _ = teacher(torch.rand(2, 3, 8, 8))
        >>> [layer.mean.shape for layer in recorder.statistics]
        [torch.Size([4])]
    """

    def __init__(self, network: nn.Module) -> None:
        self.layers = batch_norms(network)
        self.statistics: list[BNStatistics] = []

    def watch(self) -> list[RemovableHandle]:
        """See every batch norm's input; see the base."""
        self.statistics.clear()
        return [layer.register_forward_pre_hook(self._record) for layer in self.layers]

    def _record(self, layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        maps = full_precision(inputs[0])  # half precision cannot hold the sums
        mean, var = channel_statistics(maps)
        running_mean, running_var = layer.running_mean, layer.running_var
        assert running_mean is not None  # batch_norms() chose such layers
        assert running_var is not None
        self.statistics.append(BNStatistics(mean, var, running_mean, running_var))
