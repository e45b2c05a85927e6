"""One batch over several processes: half of it on each of two gives what one whole gives.

With a single process, or inside :func:`alone`, every function here but
:func:`average_buffers` leaves its argument as it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import all_gather, all_reduce_params, get_rank
from mmengine.dist import get_world_size as num_processes
from torch import Tensor, nn

_alone = False


@contextmanager
def alone() -> Iterator[None]:
    """Have this process work on a batch of its own: nothing inside is gathered or shared.

    An inversion optimises images, which are a process's own, by losses of these images.
    """
    global _alone  # a process does one thing at a time, as the process group does
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def get_world_size() -> int:
    """Return the number of processes that share a batch."""
    return 1 if _alone else num_processes()


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.num_rows = len(rows)
        return torch.cat(all_gather(rows.contiguous()))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # All processes have the same loss, so the sum over them needs no communication.
        start = get_rank() * ctx.num_rows
        return gradient[start : start + ctx.num_rows] * get_world_size()


def gather(rows: Tensor) -> Tensor:
    """Gather the rows of all processes, in the order of their ranks, with gradients.

    The mean that distributed data parallel takes of the processes' gradients is then
    the gradient of a loss of the gathered rows, if every process computes that loss.

    Args:
        rows: (N, ...), of one shape in all processes.

    Returns:
        (number of processes * N, ...); ``rows`` itself in a single process.
    """
    return rows if get_world_size() == 1 else _Gather.apply(rows)


def share(rows: Tensor) -> Tensor:
    """Take this process's rows of gathered ones, (number of processes * N, ...).

    Raises:
        ValueError: if the processes' shares would differ.
    """
    if get_world_size() == 1:
        return rows
    if len(rows) % get_world_size():
        raise ValueError(
            f'the rows of all processes should be a multiple of their number {get_world_size()}, '
            f'but got {len(rows)}; set model.memory.capacity to a multiple'
        )
    return rows.tensor_split(get_world_size())[get_rank()]


def average_buffers(*networks: nn.Module) -> None:
    """Give every process the mean of the networks' buffers: BN running statistics."""
    buffers = [buffer for network in networks for buffer in network.buffers()]
    all_reduce_params([buffer for buffer in buffers if buffer.is_floating_point()], op='mean')
