"""Class-condition loss: the teacher should see the class that was asked for."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_range
from mmdfkd.registry import MODELS


def class_condition_loss(logits: Tensor, labels: Tensor, enough: float = 1.0) -> Tensor:
    """Cross-entropy to the asked label, over samples not yet confident enough.

    ``mean(1[p_t(y) < enough] * CE(t, y))``. With ``enough`` = 1 it is the plain
    cross-entropy (CDFKD, CPSC and others), which keeps pulling every sample towards
    its class's most confident image; below 1 it lets go once the teacher agrees.

    Args:
        logits: the teacher's, (N, C).
        labels: the asked classes, (N,) int64.
        enough: confidence in (0, 1] from which a sample is left alone.

    Returns:
        A scalar, at least 0.
    """
    cross_entropy = F.cross_entropy(logits, labels, reduction='none')
    if enough < 1:
        cross_entropy = cross_entropy * (torch.exp(-cross_entropy.detach()) < enough)
    return cross_entropy.mean()


@MODELS.register_module()
class ClassConditionLoss(nn.Module):
    """:func:`class_condition_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
        enough: confidence in (0, 1] from which a sample is left alone.

    Raises:
        ValueError: if ``enough`` is not in (0, 1].
    """

    def __init__(self, loss_weight: float = 1.0, enough: float = 1.0) -> None:
        super().__init__()
        check_range('(0, 1]', enough=enough)
        self.loss_weight = loss_weight
        self.enough = enough

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's logits (N, C) and labels (N,)."""
        return self.loss_weight * class_condition_loss(logits, labels, self.enough)
