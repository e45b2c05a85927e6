"""Adversarial loss: ask the generator for images on which the student errs."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_switch
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS


def kl_divergence(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """KL(teacher || student) of the softmax outputs, a value a sample.

    Both logits are (N, C); the result is (N,), at least 0.
    """
    log_student = F.log_softmax(student_logits, dim=1)
    log_teacher = F.log_softmax(teacher_logits, dim=1)
    return F.kl_div(log_student, log_teacher, reduction='none', log_target=True).sum(1)


def js_divergence(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Jensen-Shannon divergence of the softmax outputs, (N,) in [0, ln 2].

    ADI's measure of disagreement (DeepInversion, Yin et al., CVPR 2020, equation 9).
    """
    log_student = F.log_softmax(student_logits, dim=1)
    log_teacher = F.log_softmax(teacher_logits, dim=1)
    log_half = torch.logaddexp(log_student, log_teacher) - math.log(2)
    student_part = F.kl_div(log_half, log_student, reduction='none', log_target=True).sum(1)
    teacher_part = F.kl_div(log_half, log_teacher, reduction='none', log_target=True).sum(1)
    return (student_part + teacher_part) / 2


def l1_distance(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Mean absolute difference of the logits, (N,).

    DFAD (Fang et al., 2019), equation 2.
    """
    return (student_logits - teacher_logits).abs().mean(1)


def relative_l1_distance(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """:func:`l1_distance` in units of the teacher's logits' standard deviation, (N,).

    Ours: the plain distance also grows by scaling all logits up, which teaches the
    student nothing; the unit takes that way out. No gradient flows to the unit.
    """
    unit = full_precision(teacher_logits.detach()).std().clamp_min(1e-6)
    return l1_distance(student_logits, teacher_logits) / unit


DIVERGENCES = {
    'kl': kl_divergence,
    'js': js_divergence,
    'l1': l1_distance,
    'relative_l1': relative_l1_distance,
}


def adversarial_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    divergence: str = 'kl',
    agreement_mask: bool = True,
) -> Tensor:
    """Negative mean disagreement, ``-mean(1[argmax s == argmax t] * D(t, s))``.

    The mask keeps the generator from chasing images that have already fooled the
    student: CMI (Fang et al., IJCAI 2021), equation 8, and Fast's code.

    Args:
        student_logits: (N, C), with gradients to the images.
        teacher_logits: (N, C), with gradients to the images.
        divergence: ``'kl'``, ``'js'``, ``'l1'`` or ``'relative_l1'``.
        agreement_mask: count only samples on which the two agree.

    Returns:
        A scalar, at most 0.
    """
    disagreement = DIVERGENCES[divergence](student_logits, teacher_logits)
    if agreement_mask:
        disagreement = disagreement * (student_logits.argmax(1) == teacher_logits.argmax(1))
    return -disagreement.mean()


@MODELS.register_module()
class AdversarialLoss(nn.Module):
    """:func:`adversarial_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
        divergence: ``'kl'``, ``'js'``, ``'l1'`` or ``'relative_l1'``.
        agreement_mask: count only samples on which student and teacher agree.

    Raises:
        ValueError: if ``divergence`` is unknown, or ``agreement_mask`` no switch.
    """

    def __init__(
        self, loss_weight: float = 1.0, divergence: str = 'kl', agreement_mask: bool = True
    ) -> None:
        super().__init__()
        if divergence not in DIVERGENCES:
            raise ValueError(
                f'divergence should be one of {sorted(DIVERGENCES)}, but got {divergence!r}'
            )
        check_switch(agreement_mask=agreement_mask)
        self.loss_weight = loss_weight
        self.divergence = divergence
        self.agreement_mask = agreement_mask

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the weighted loss of two (N, C) logits."""
        return self.loss_weight * adversarial_loss(
            student_logits, teacher_logits, self.divergence, self.agreement_mask
        )
