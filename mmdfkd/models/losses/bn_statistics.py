"""BN statistics loss: synthetic batches should look normal to the teacher's batch norms."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.registry import MODELS

_EPS = 1e-5  # of torch's batch norms


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


def bn_divergence_loss(statistics: Sequence[BNStatistics]) -> Tensor:
    """Sum over BN layers and channels of KL(N(mean, var) || N(running_mean, running_var)).

    DFQ (Choi et al., CVPR workshops 2020), its matching of batch norms' Gaussians. Both
    variances have the layer's usual 1e-5 added, so that a dead channel costs nothing.

    Args:
        statistics: one entry a BN layer, each of four tensors (C,).

    Returns:
        A scalar, at least 0.
    """
    divergences = []
    for layer in statistics:
        var, running_var = layer.var + _EPS, layer.running_var + _EPS
        spread = (var + (layer.mean - layer.running_mean) ** 2) / running_var
        divergences.append((spread - (var / running_var).log() - 1).sum() / 2)
    return torch.stack(divergences).sum()


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


@MODELS.register_module()
class BNDivergenceLoss(nn.Module):
    """:func:`bn_divergence_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, statistics: Sequence[BNStatistics]) -> Tensor:
        """Return the weighted loss of the recorded ``statistics``, over all processes."""
        return self.loss_weight * bn_divergence_loss(gather_statistics(statistics))
