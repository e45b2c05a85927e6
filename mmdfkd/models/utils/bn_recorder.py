"""Records what a network's batch norms see, for as long as a ``with`` block lasts."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .precision import full_precision
from .processes import gather


class BNStatistics(NamedTuple):
    """Batch and running statistics of one BN layer's input, each (C,)."""

    mean: Tensor
    var: Tensor
    running_mean: Tensor
    running_var: Tensor


class _ChannelStatistics(torch.autograd.Function):
    """One pass over the maps in the backward, where autograd's own takes several.

    On a CPU ``torch.var_mean`` takes 7 to 15 times as long as the two means here.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> tuple[Tensor, Tensor]:
        rows = full_precision(maps).movedim(1, -1).flatten(0, -2)  # half cannot hold the sums
        mean = rows.mean(0)
        var = (rows - mean).square_().mean(0)
        ctx.save_for_backward(maps, mean)
        return mean, var

    @staticmethod
    def backward(ctx: Any, mean_grad: Tensor, var_grad: Tensor) -> Tensor:  # type: ignore[override]
        maps, mean = ctx.saved_tensors
        num = maps.numel() / maps.size(1)
        slope = 2 * var_grad / num
        offset = mean_grad / num - slope * mean
        shape = (1, -1, *[1] * (maps.dim() - 2))
        return torch.addcmul(offset.view(shape).to(maps), maps, slope.view(shape).to(maps))


def channel_statistics(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance, each (C,), of the channels of maps (N, C, ...)."""
    return _ChannelStatistics.apply(maps)


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


class BNRecorder:
    """Context manager: collects :class:`BNStatistics` of every BN layer passed.

    The hooks live inside the ``with`` block only, so that no other pass of the
    network pays for them.

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
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> 'BNRecorder':
        self.statistics.clear()
        self._handles = [layer.register_forward_pre_hook(self._record) for layer in self.layers]
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _record(self, layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        mean, var = channel_statistics(inputs[0])
        running_mean, running_var = layer.running_mean, layer.running_var
        assert running_mean is not None  # batch_norms() chose such layers
        assert running_var is not None
        self.statistics.append(BNStatistics(mean, var, running_mean, running_var))
