"""DE-DFKD: diversity-enhancing data-free knowledge distillation."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.models.utils import gather
from mmdfkd.registry import MODELS

from .generative import GenerativeDistiller
from .parts import build, check_batch_norms


@MODELS.register_module()
class DEDFKD(GenerativeDistiller):
    """A class-conditional generator and a metric-learning loss, and a student on top.

    A reconstruction from the abstract of DE-DFKD (Liu et al., Multimedia Tools and
    Applications, 2024), not the official code:
    ``L_G = loss_ce + loss_adv + loss_metric (+ loss_bn) (+ loss_act) (+ image priors)``.

    Args:
        loss_ce: config of the class-condition loss.
        loss_adv: config of the adversarial loss, or None.
        loss_metric: config of the metric-learning loss, or None.
        loss_bn: config of the BN statistics loss, or None.
        loss_act: config of the activation loss, or None; for teachers without BN.
        **kwargs: see :class:`GenerativeDistiller`.

    Raises:
        ValueError: if ``loss_bn`` is given for a teacher without batch norms.
    """

    optimised = {'generator': ('generator', 'loss_metric'), 'student': ('student',)}

    def __init__(
        self,
        loss_ce: dict | nn.Module,
        loss_adv: dict | nn.Module | None = None,
        loss_metric: dict | nn.Module | None = None,
        loss_bn: dict | nn.Module | None = None,
        loss_act: dict | nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_ce = build(loss_ce)
        self.loss_adv = build(loss_adv)
        self.loss_metric = build(loss_metric)
        self.loss_bn = build(loss_bn)
        self.loss_act = build(loss_act)
        check_batch_norms(self.teacher, self.loss_bn)

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DE-DFKD's losses of ``inputs`` (N, C, H, W), from one teacher pass."""
        seen = self.respond(inputs, bool(self.loss_bn), student=bool(self.loss_adv))
        labels, latents = gather(labels), gather(latents)
        losses = {'loss_ce': self.loss_ce(seen.logits, labels)}
        if self.loss_adv:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        if self.loss_metric:
            losses['loss_metric'] = self.loss_metric(seen.features, seen.logits, labels, latents)
        if self.loss_bn:
            losses['loss_bn'] = self.loss_bn(seen.statistics)
        if self.loss_act:
            losses['loss_act'] = self.loss_act(seen.features)
        losses['label_agreement'] = (seen.logits.argmax(1) == labels).float().mean()
        return losses
