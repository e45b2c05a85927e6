"""BN statistics loss: synthetic batches should look normal to the teacher's batch norms."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.registry import MODELS


def bn_statistics_loss(statistics: Sequence[BNStatistics]) -> Tensor:
    """Sum over BN layers of ``||mean - running_mean||_2 + ||var - running_var||_2``.

    DeepInversion (Yin et al., CVPR 2020), equation 4.

    Args:
        statistics: one entry a BN layer, each of four tensors (C,).

    Returns:
        A scalar, at least 0.
    """
    distances = [
        torch.linalg.vector_norm(layer.mean - layer.running_mean)
        + torch.linalg.vector_norm(layer.var - layer.running_var)
        for layer in statistics
    ]
    return torch.stack(distances).sum()


@MODELS.register_module()
class BNStatisticsLoss(nn.Module):
    """:func:`bn_statistics_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, statistics: Sequence[BNStatistics]) -> Tensor:
        """Return the weighted loss of the recorded ``statistics``, over all processes."""
        return self.loss_weight * bn_statistics_loss(gather_statistics(statistics))
