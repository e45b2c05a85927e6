"""DFQ: data-free network quantisation with adversarial knowledge distillation."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.registry import MODELS

from .frame.loss_trial import try_losses
from .frame.parts import build, check_batch_norms
from .generative import GenerativeDistiller


@MODELS.register_module()
class DFQ(GenerativeDistiller):
    """DFQ (Choi et al., CVPR workshops 2020), its distillation; the student is not quantised.

    ``L_G = loss_adv + loss_bn + loss_instance + loss_batch``: images on which the student
    errs, whose batch looks normal to the teacher's batch norms, of which the teacher is sure
    one by one, and which spread over the classes. In its ``warmup_rounds`` the generator
    learns alone, without ``loss_adv``. Then the student learns from new images of the live
    generator in each of its ``kd_steps``.

    Args:
        loss_adv: config of the adversarial loss.
        loss_bn: config of the BN statistics loss; the paper's is ``BNDivergenceLoss``.
        loss_instance: config of the loss of each image's prediction; the paper's is
            ``InstanceEntropyLoss``.
        loss_batch: config of the loss of the batch's mean prediction.
        **kwargs: see :class:`GenerativeDistiller`; without a ``memory`` as published.

    Raises:
        ValueError: for a teacher without batch norms.
    """

    def __init__(
        self,
        loss_adv: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_instance: dict | nn.Module,
        loss_batch: dict | nn.Module,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_adv = build(loss_adv)
        self.loss_bn = build(loss_bn)
        self.loss_instance = build(loss_instance)
        self.loss_batch = build(loss_batch)
        check_batch_norms(self.teacher, self.loss_bn, needed=True)
        try_losses(self, 'loss_adv', 'loss_bn', 'loss_instance', 'loss_batch')

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DFQ's losses of normalised ``inputs`` (N, C, H, W); labels are not used."""
        seen = self.respond(inputs, statistics=True, student=not self.warming_up)
        losses = {
            'loss_bn': self.loss_bn(seen.statistics),
            'loss_instance': self.loss_instance(seen.logits),
            'loss_batch': self.loss_batch(seen.logits),
        }
        if not self.warming_up:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        return losses
