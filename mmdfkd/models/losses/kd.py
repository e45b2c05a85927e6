"""Knowledge distillation loss: the student imitates the teacher's outputs."""

from torch import Tensor, nn

from mmdfkd.checks import check_range
from mmdfkd.registry import MODELS

from .adversarial import kl_divergence, l1_distance


def kd_kl_loss(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """``tau^2 * KL(softmax(t / tau) || softmax(s / tau))``, batch mean, a scalar.

    Hinton et al., NeurIPS workshop 2014, section 2. Both logits are (N, C).
    """
    divergence = kl_divergence(student_logits / temperature, teacher_logits / temperature)
    return temperature**2 * divergence.mean()


def kd_l1_loss(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Mean absolute difference of the logits (N, C), a scalar.

    DFAD (Fang et al., 2019), equation 3.
    """
    return l1_distance(student_logits, teacher_logits).mean()


@MODELS.register_module()
class KDLoss(nn.Module):
    """The student's loss, :func:`kd_kl_loss` or :func:`kd_l1_loss`, with a weight.

    Args:
        divergence: ``'kl'`` or ``'l1'``.
        temperature: softening of both outputs, in [0.001, 1000]; for ``'kl'`` only.
        loss_weight: factor of the loss.

    Raises:
        ValueError: if ``divergence`` is unknown or ``temperature`` is out of range.
    """

    def __init__(
        self, divergence: str = 'kl', temperature: float = 1.0, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if divergence not in ('kl', 'l1'):
            raise ValueError(f"divergence should be 'kl' or 'l1', but got {divergence!r}")
        check_range('[0.001, 1000]', temperature=temperature)
        self.divergence = divergence
        self.temperature = temperature
        self.loss_weight = loss_weight

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the weighted loss of two (N, C) logits."""
        if self.divergence == 'kl':
            loss = kd_kl_loss(student_logits, teacher_logits, self.temperature)
        else:
            loss = kd_l1_loss(student_logits, teacher_logits)
        return self.loss_weight * loss
