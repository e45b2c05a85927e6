"""Class-condition loss: the teacher should see the class that was asked for."""

from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.registry import MODELS


@MODELS.register_module()
class ClassConditionLoss(nn.Module):
    """Cross-entropy of the teacher's logits to the asked labels, as CDFKD, CPSC and others have it.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's logits (N, C) and labels (N,) int64."""
        return self.loss_weight * F.cross_entropy(logits, labels)
