"""Activation loss: real images excite the teacher's penultimate features."""

from torch import Tensor, nn

from mmdfkd.registry import MODELS


def activation_loss(features: Tensor) -> Tensor:
    """Negative mean magnitude of the features (N, D): ``-mean|f|``, at most 0.

    DAFL (Chen et al., ICCV 2019), equation 4.
    """
    return -features.abs().mean()


@MODELS.register_module()
class ActivationLoss(nn.Module):
    """:func:`activation_loss` with a weight; for teachers without batch norm.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, features: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's features (N, D)."""
        return self.loss_weight * activation_loss(features)
