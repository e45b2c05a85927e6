"""DAFL: data-free learning of student networks."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.registry import MODELS

from .generative import GenerativeDistiller
from .parts import build, check_batch_norms


@MODELS.register_module()
class DAFL(GenerativeDistiller):
    """The objective of DAFL (Chen et al., ICCV 2019), equation 6.

    ``L_G = loss_pseudo_label + loss_entropy + loss_act``; the generator is
    unconditional and does not see the student unless ``loss_adv`` is given. The paper has
    no image priors; the base can add them.

    Args:
        loss_pseudo_label: config of the cross-entropy to the teacher's decision.
        loss_entropy: config of the information entropy loss.
        loss_act: config of the activation loss.
        loss_adv: config of an adversarial loss, or None as in the paper; with it and
            ``loss_bn`` DAFL has DE-DFKD's companions and only condition and metric differ.
        loss_bn: config of the BN statistics loss, or None as in the paper.
        **kwargs: see :class:`GenerativeDistiller`.

    Raises:
        ValueError: if ``loss_bn`` is given for a teacher without batch norms.
    """

    def __init__(
        self,
        loss_pseudo_label: dict | nn.Module,
        loss_entropy: dict | nn.Module,
        loss_act: dict | nn.Module,
        loss_adv: dict | nn.Module | None = None,
        loss_bn: dict | nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_pseudo_label = build(loss_pseudo_label)
        self.loss_entropy = build(loss_entropy)
        self.loss_act = build(loss_act)
        self.loss_adv = build(loss_adv)
        self.loss_bn = build(loss_bn)
        check_batch_norms(self.teacher, self.loss_bn)

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DAFL's losses of normalised ``inputs`` (N, C, H, W); labels are not used."""
        seen = self.respond(inputs, bool(self.loss_bn), student=bool(self.loss_adv))
        losses = {
            'loss_pseudo_label': self.loss_pseudo_label(seen.logits),
            'loss_entropy': self.loss_entropy(seen.logits),
            'loss_act': self.loss_act(seen.features),
        }
        if self.loss_adv:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        if self.loss_bn:
            losses['loss_bn'] = self.loss_bn(seen.statistics)
        return losses
