"""Image norm: pixels should stay near the mean."""

import torch
from torch import Tensor, nn

from mmdfkd.registry import MODELS


def image_norm_loss(inputs: Tensor) -> Tensor:
    """Mean over images of ``||x||_2``, a scalar of at least 0.

    ``R_l2`` of DeepInversion (Yin et al., CVPR 2020, equation 3), as its ImageNet code has it.

    Args:
        inputs: normalised images, (N, C, H, W).
    """
    return torch.linalg.vector_norm(inputs.flatten(1), dim=1).mean()


@MODELS.register_module()
class ImageNormLoss(nn.Module):
    """:func:`image_norm_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the weighted loss of normalised images (N, C, H, W)."""
        return self.loss_weight * image_norm_loss(inputs)
