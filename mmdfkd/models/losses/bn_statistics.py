"""BN statistics loss: synthetic batches should look normal to the teacher's batch norms."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.registry import MODELS


def bn_statistics_loss(
    statistics: Sequence[BNStatistics], first_bn_multiplier: float = 1.0
) -> Tensor:
    """Sum over BN layers of ``||mean - running_mean||_2 + ||var - running_var||_2``.

    DeepInversion (Yin et al., CVPR 2020), equation 4.

    Args:
        statistics: one entry a BN layer, each of four tensors (C,).
        first_bn_multiplier: factor of the first layer; DeepInversion's public code takes 10
            on ImageNet.

    Returns:
        A scalar, at least 0.
    """
    distances = [
        torch.linalg.vector_norm(layer.mean - layer.running_mean)
        + torch.linalg.vector_norm(layer.var - layer.running_var)
        for layer in statistics
    ]
    if first_bn_multiplier != 1:
        distances[0] = first_bn_multiplier * distances[0]
    return torch.stack(distances).sum()


@MODELS.register_module()
class BNStatisticsLoss(nn.Module):
    """:func:`bn_statistics_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
        first_bn_multiplier: further factor of the first layer's part.
    """

    def __init__(self, loss_weight: float = 1.0, first_bn_multiplier: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.first_bn_multiplier = first_bn_multiplier

    def forward(self, statistics: Sequence[BNStatistics]) -> Tensor:
        """Return the weighted loss of the recorded ``statistics``, over all processes."""
        statistics = gather_statistics(statistics)
        return self.loss_weight * bn_statistics_loss(statistics, self.first_bn_multiplier)
