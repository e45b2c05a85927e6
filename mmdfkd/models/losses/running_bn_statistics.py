"""BN statistics loss of a running average: all images together should look normal."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdfkd.checks import check_range
from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.models.utils.counter import Counter
from mmdfkd.registry import MODELS

from .bn_statistics import bn_statistics_loss


def mix_statistics(
    statistics: Sequence[BNStatistics], average: Tensor, momentum: float
) -> list[BNStatistics]:
    """Replace batch statistics by ``(1 - momentum) * batch + momentum * average``.

    Args:
        statistics: one entry a BN layer, each of four tensors (C,).
        average: means and variances of all layers in a row, (2, sum of C).
        momentum: share of the average, in [0, 1).
    """
    sizes = [len(layer.mean) for layer in statistics]
    means, variances = (row.split(sizes) for row in average)
    return [
        layer._replace(
            mean=torch.lerp(layer.mean, mean.to(layer.mean), momentum),
            var=torch.lerp(layer.var, var.to(layer.var), momentum),
        )
        for layer, mean, var in zip(statistics, means, variances, strict=True)
    ]


@MODELS.register_module()
class RunningBNStatisticsLoss(nn.Module):
    """:func:`bn_statistics_loss` of a running average of the batches, with a weight.

    Fast-Datafree (Fang et al., AAAI 2022) and NAYER (Tran et al., CVPR 2024), public code: what
    should look normal is the present batch with those of earlier inversions. The average is
    a buffer, so that it is resumed with the run.

    Args:
        loss_weight: factor of the loss.
        momentum: share of the average, in [0, 1).

    Raises:
        ValueError: if ``momentum`` is out of range.
    """

    average: Tensor

    def __init__(self, loss_weight: float = 1.0, momentum: float = 0.9) -> None:
        super().__init__()
        check_range('[0, 1)', momentum=momentum)
        self.loss_weight = loss_weight
        self.momentum = momentum
        self.num_batches = Counter()
        self._newest: list[BNStatistics] = []

    def allocate(self, channels: Sequence[int]) -> None:
        """Make room for the average of layers with so many channels; the distiller calls it."""
        self.register_buffer('average', torch.zeros(2, sum(channels)))

    def forward(self, statistics: Sequence[BNStatistics]) -> Tensor:
        """Return the weighted loss of the recorded ``statistics``.

        Raises:
            RuntimeError: if the method does not keep the average.
        """
        if 'average' not in self._buffers:
            raise RuntimeError(
                'RunningBNStatisticsLoss should be in a method that calls its allocate() and '
                'update(), FastDatafree or NAYER; give this one a BNStatisticsLoss'
            )
        self._newest = [BNStatistics(*(part.detach() for part in layer)) for layer in statistics]
        mixed = gather_statistics(statistics)
        if int(self.num_batches):
            mixed = mix_statistics(mixed, self.average, self.momentum)
        return self.loss_weight * bn_statistics_loss(mixed)

    @torch.no_grad()
    def update(self) -> None:
        """Take the batch that :meth:`forward` saw last, all processes' together, in."""
        layers = gather_statistics(self._newest)
        means, variances = zip(*((layer.mean, layer.var) for layer in layers), strict=True)
        newest = torch.stack([torch.cat(means), torch.cat(variances)])
        share = 1 - self.momentum if int(self.num_batches) else 1.0
        self.average.lerp_(newest.to(self.average), share)
        self.num_batches.add(1)
