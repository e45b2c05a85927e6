"""Losses for a generator that knows no classes: DAFL's, and DFQ's in their place."""

from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.registry import MODELS


def pseudo_label_loss(logits: Tensor) -> Tensor:
    """Cross-entropy of the teacher's logits (N, C) to its own decision, a scalar.

    DAFL (Chen et al., ICCV 2019), equation 3.
    """
    return F.cross_entropy(logits, logits.argmax(1))


def information_entropy_loss(logits: Tensor) -> Tensor:
    """Negative entropy of the batch's mean prediction, a scalar in [-ln C, 0].

    DAFL, equation 5, in nats (its public code takes log10: its weight 5 is 2.17
    here). The lowest value is a batch in which all classes are equally likely.

    Args:
        logits: the teacher's, (N, C).
    """
    mean_prediction = logits.softmax(1).mean(0)
    return (mean_prediction * mean_prediction.clamp_min(1e-12).log()).sum()


def instance_entropy_loss(logits: Tensor) -> Tensor:
    """Mean entropy of each sample's prediction, a scalar in [0, ln C].

    DFQ (Choi et al., CVPR workshops 2020), its instance categorical entropy. The lowest value
    is a batch in which the teacher is sure of every image.

    Args:
        logits: the teacher's, (N, C).
    """
    return -(logits.softmax(1) * F.log_softmax(logits, dim=1)).sum(1).mean()


@MODELS.register_module()
class PseudoLabelLoss(nn.Module):
    """:func:`pseudo_label_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's logits (N, C)."""
        return self.loss_weight * pseudo_label_loss(logits)


@MODELS.register_module()
class InformationEntropyLoss(nn.Module):
    """:func:`information_entropy_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 2.17) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's logits (N, C)."""
        return self.loss_weight * information_entropy_loss(logits)


@MODELS.register_module()
class InstanceEntropyLoss(nn.Module):
    """:func:`instance_entropy_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, logits: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's logits (N, C)."""
        return self.loss_weight * instance_entropy_loss(logits)
