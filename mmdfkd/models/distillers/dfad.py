"""DFAD: data-free adversarial distillation."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.registry import MODELS

from .frame.loss_trial import try_losses
from .frame.parts import build, check_no_warmup
from .generative import GenerativeDistiller


@MODELS.register_module()
class DFAD(GenerativeDistiller):
    """DFAD (Fang et al., arXiv 1912.11006, 2019), algorithm 1: student and generator in turn.

    ``L_G = loss_adv``: the generator seeks images on which student and teacher differ, and
    nothing else. In each of its ``kd_steps`` the student learns from new images of the live
    generator. As published both losses are the mean absolute difference of the logits.

    Args:
        loss_adv: config of the adversarial loss.
        **kwargs: see :class:`GenerativeDistiller`; without a ``memory`` as published.

    Raises:
        ValueError: if there are ``warmup_rounds``.
    """

    def __init__(self, loss_adv: dict | nn.Module, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss_adv = build(loss_adv)
        check_no_warmup(self)
        try_losses(self, 'loss_adv')

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return the adversarial loss of normalised ``inputs`` (N, C, H, W), without labels."""
        seen = self.respond(inputs, student=True)
        return {'loss_adv': self.loss_adv(seen.student_logits, seen.logits)}
