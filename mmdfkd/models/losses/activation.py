"""Activation loss: real images excite the teacher's penultimate features."""

from torch import Tensor, nn

from mmdfkd.checks import check_switch
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS


def activation_loss(features: Tensor) -> Tensor:
    """Negative mean magnitude of the features (N, D): ``-mean|f|``, at most 0.

    DAFL (Chen et al., ICCV 2019), equation 4, with the mean over D of its public code.
    """
    return -full_precision(features).abs().mean()


def log_activation_loss(features: Tensor) -> Tensor:
    """Negative mean over samples of ``log mean_d|f_d|`` of the features (N, D).

    Ours: the linear form pulls ever on, to features and logits twice as large as any
    real image's; the pull of the logarithm fades as they grow.
    """
    return -full_precision(features).abs().mean(1).clamp_min(1e-3).log().mean()


@MODELS.register_module()
class ActivationLoss(nn.Module):
    """:func:`activation_loss` or :func:`log_activation_loss` with a weight.

    For teachers without batch norm, whose statistics say nothing of the features' size.

    Args:
        loss_weight: factor of the loss.
        logarithmic: take the logarithmic form.
    """

    def __init__(self, loss_weight: float = 0.1, logarithmic: bool = False) -> None:
        super().__init__()
        check_switch(logarithmic=logarithmic)
        self.loss_weight = loss_weight
        self.logarithmic = logarithmic

    def forward(self, features: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's features (N, D)."""
        loss = log_activation_loss if self.logarithmic else activation_loss
        return self.loss_weight * loss(features)
