"""Image priors: what any natural image looks like, asked of synthetic ones."""

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.bn_recorder import BNStatistics, gather_statistics
from mmdfkd.registry import MODELS

from .bn_statistics import bn_statistics_loss


def pixel_statistics(inputs: Tensor) -> BNStatistics:
    """Statistics of the channels of normalised images (N, C, H, W), next to 0 and 1."""
    var, mean = torch.var_mean(inputs, dim=(0, 2, 3), correction=0)
    return BNStatistics(mean, var, torch.zeros_like(mean), torch.ones_like(var))


def pixel_statistics_loss(inputs: Tensor) -> Tensor:
    """``||mean||_2 + ||var - 1||_2`` over the channels of normalised images (N, C, H, W).

    DeepInversion's BN statistics loss (Yin et al., CVPR 2020, equation 4) at the
    network's very input: the data preprocessor's mean and std are the statistics that
    a teacher without batch norm has, too, if they are its data's. A scalar, at least 0.
    """
    return bn_statistics_loss([pixel_statistics(inputs)])


def total_variation_loss(inputs: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, down plus right, of images (N, C, H, W).

    The anisotropic form of the total variation of DeepInversion's R_prior (Yin et al.,
    CVPR 2020, equation 3). A scalar, at least 0.
    """
    down = (inputs[:, :, 1:] - inputs[:, :, :-1]).abs().mean()
    right = (inputs[..., 1:] - inputs[..., :-1]).abs().mean()
    return down + right


@MODELS.register_module()
class PixelStatisticsLoss(nn.Module):
    """:func:`pixel_statistics_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the weighted loss of normalised images (N, C, H, W), over all processes."""
        statistics = gather_statistics([pixel_statistics(inputs)])
        return self.loss_weight * bn_statistics_loss(statistics)


@MODELS.register_module()
class TotalVariationLoss(nn.Module):
    """:func:`total_variation_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the weighted loss of normalised images (N, C, H, W)."""
        return self.loss_weight * total_variation_loss(inputs)
