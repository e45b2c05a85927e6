"""How well confidences tell accuracy."""

import torch
from torch import Tensor


def confidence_bins(confidences: Tensor, num_bins: int) -> Tensor:
    """Index the bin ((b - 1) / B, b / B] of confidences (N,) in (0, 1]: (N,) in [0, B)."""
    edges = torch.linspace(0, 1, num_bins + 1, dtype=confidences.dtype, device=confidences.device)
    return torch.bucketize(confidences, edges[1:-1])


def expected_calibration_error(counts: Tensor, confidences: Tensor, hits: Tensor) -> float:
    """Mean over samples of their bin's |accuracy - confidence|, in [0, 1].

    Guo et al., ICML 2017, equation 3; as torchmetrics' ``MulticlassCalibrationError``, but
    that has confidences of exactly 1 in a further bin.

    Args:
        counts: (B,) samples in each bin.
        confidences: (B,) sum of their confidences.
        hits: (B,) how many of them are right.
    """
    return float((hits - confidences).abs().sum() / counts.sum())
