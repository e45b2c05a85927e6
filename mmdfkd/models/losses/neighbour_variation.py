"""Total variation over eight neighbours, as DeepInversion's public code has it."""

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.gather import gather
from mmdfkd.registry import MODELS


def neighbour_differences(inputs: Tensor) -> list[Tensor]:
    """Differences of images (N, C, H, W) to the right, down, and along both diagonals."""
    return [
        inputs[..., :, :-1] - inputs[..., :, 1:],
        inputs[..., :-1, :] - inputs[..., 1:, :],
        inputs[..., 1:, :-1] - inputs[..., :-1, 1:],
        inputs[..., :-1, :-1] - inputs[..., 1:, 1:],
    ]


def neighbour_variation_l1(inputs: Tensor) -> Tensor:
    """Sum over four directions of the mean absolute difference, a scalar of at least 0.

    ``R_TV`` of DeepInversion (Yin et al., CVPR 2020, equation 3) in its public code's l1 form;
    :func:`~.image_prior.total_variation_loss` leaves the diagonals out.

    Args:
        inputs: normalised images, (N, C, H, W).
    """
    return torch.stack([diff.abs().mean() for diff in neighbour_differences(inputs)]).sum()


def neighbour_variation_l2(inputs: Tensor) -> Tensor:
    """Sum over four directions of the norm of all differences, a scalar of at least 0.

    The l2 form of the same. The norm is the whole batch's, so that it grows with the square
    root of N, H and W, and its published weights are as small as 1e-5.

    Args:
        inputs: normalised images, (N, C, H, W).
    """
    return _norms(inputs).sum()


def _norms(inputs: Tensor) -> Tensor:
    """Return the norm of all differences in each of the four directions, (4,)."""
    return torch.stack([torch.linalg.vector_norm(d) for d in neighbour_differences(inputs)])


@MODELS.register_module()
class NeighbourVariationLoss(nn.Module):
    """:func:`neighbour_variation_l1` or :func:`neighbour_variation_l2` with a weight.

    Args:
        norm: ``'l1'`` or ``'l2'``.
        loss_weight: factor of the loss.

    Raises:
        ValueError: if ``norm`` is unknown.
    """

    def __init__(self, norm: str = 'l1', loss_weight: float = 1.0) -> None:
        super().__init__()
        if norm not in ('l1', 'l2'):
            raise ValueError(f"norm should be 'l1' or 'l2', but got {norm!r}")
        self.norm = norm
        self.loss_weight = loss_weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the weighted loss of normalised images (N, C, H, W), over all processes."""
        if self.norm == 'l1':  # a mean: that of the processes' is the whole batch's
            return self.loss_weight * neighbour_variation_l1(inputs)
        norms = torch.linalg.vector_norm(gather(_norms(inputs)[None]), dim=0)
        return self.loss_weight * norms.sum()
