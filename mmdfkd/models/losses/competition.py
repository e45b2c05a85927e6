"""Competition loss of Adaptive DeepInversion: images that the student does not know yet."""

from torch import Tensor, nn

from mmdfkd.checks import check_range
from mmdfkd.registry import MODELS


def competition_loss(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float = 3.0
) -> Tensor:
    """``1 - JS`` of the softened outputs, a scalar in [0, 1].

    ``R_compete`` of ADI (Yin et al., CVPR 2020, equation 8) as its public code has it: of M,
    the mean of both, ``JS = (KL(M || P) + KL(M || Q)) / 2`` with all probabilities in
    [0.01, 0.99], where the paper's equation 9 has KL(P || M) and no bounds. That is
    :class:`AdversarialLoss` with ``divergence='js'`` and ``agreement_mask=False``, which fits in
    the same place.

    Args:
        student_logits: (N, C).
        teacher_logits: (N, C).
        temperature: softening of both outputs, over 0.
    """
    student = (student_logits / temperature).softmax(1)
    teacher = (teacher_logits / temperature).softmax(1)
    middle = ((student + teacher) / 2).clamp(0.01, 0.99)
    student, teacher = student.clamp(0.01, 0.99), teacher.clamp(0.01, 0.99)
    divergence = middle * (middle.log() - (student.log() + teacher.log()) / 2)
    return 1 - divergence.sum(1).mean().clamp(0, 1)


@MODELS.register_module()
class CompetitionLoss(nn.Module):
    """:func:`competition_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
        temperature: softening of both outputs, in [0.001, 1000].

    Raises:
        ValueError: if ``temperature`` is out of range.
    """

    def __init__(self, loss_weight: float = 1.0, temperature: float = 3.0) -> None:
        super().__init__()
        check_range('[0.001, 1000]', temperature=temperature)
        self.loss_weight = loss_weight
        self.temperature = temperature

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the weighted loss of two (N, C) logits."""
        return self.loss_weight * competition_loss(student_logits, teacher_logits, self.temperature)
