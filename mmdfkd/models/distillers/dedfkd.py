"""DE-DFKD: diversity-enhancing data-free knowledge distillation."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from mmdfkd.models.utils import FeatureMaps, gather
from mmdfkd.registry import MODELS

from .frame.loss_trial import try_losses
from .frame.parts import build, check_batch_norms, check_conditional
from .generative import GenerativeDistiller


@MODELS.register_module()
class DEDFKD(GenerativeDistiller):
    """DE-DFKD, reconstructed from its abstract: a conditional generator and metric learning.

    A reconstruction from the abstract of DE-DFKD (Liu et al., Multimedia Tools and
    Applications, 2024), not the official code:
    ``L_G = loss_ce + loss_adv + loss_metric (+ loss_bn) (+ loss_act) (+ loss_layout) (+ priors)``.

    Args:
        loss_ce: config of the class-condition loss.
        loss_adv: config of the adversarial loss, or None; on after ``warmup_rounds``.
        loss_metric: config of the metric-learning loss, or None.
        loss_bn: config of the BN statistics loss, or None.
        loss_act: config of the activation loss, or None; for teachers without BN.
        loss_layout: config of the metric-learning loss on the teacher's maps, or None.
        layout_layers: names in the teacher's network of the layers that give these maps.
        **kwargs: see :class:`GenerativeDistiller`.

    Raises:
        ValueError: if ``loss_bn`` is given for a teacher without batch norms, ``loss_layout``
            without layers, or ``loss_ce`` for a generator that ignores labels and draws new
            latents in each step.
    """

    optimised = {'generator': ('generator', 'loss_metric'), 'student': ('student',)}

    def __init__(
        self,
        loss_ce: dict | nn.Module,
        loss_adv: dict | nn.Module | None = None,
        loss_metric: dict | nn.Module | None = None,
        loss_bn: dict | nn.Module | None = None,
        loss_act: dict | nn.Module | None = None,
        loss_layout: dict | nn.Module | None = None,
        layout_layers: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_ce = build(loss_ce)
        self.loss_adv = build(loss_adv)
        self.loss_metric = build(loss_metric)
        self.loss_bn = build(loss_bn)
        self.loss_act = build(loss_act)
        self.loss_layout = build(loss_layout)
        self.layout_layers = list(layout_layers)
        if bool(self.loss_layout) != bool(self.layout_layers):
            raise ValueError(
                'layout_layers should name layers of the teacher for loss_layout, and none '
                f'without it, but got {self.layout_layers}; give both or neither'
            )
        FeatureMaps(self.teacher.network, self.layout_layers)  # an unknown name is told now
        check_conditional(self)
        check_batch_norms(self.teacher, self.loss_bn)
        try_losses(self, 'loss_ce')

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DE-DFKD's losses of ``inputs`` (N, C, H, W), from one teacher pass."""
        adversary = self.loss_adv is not None and not self.warming_up
        recorder = FeatureMaps(self.teacher.network, self.layout_layers)
        with recorder:
            seen = self.respond(inputs, bool(self.loss_bn), student=adversary)
        labels, latents = gather(labels), gather(latents)
        losses = {'loss_ce': self.loss_ce(seen.logits, labels)}
        if adversary:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        if self.loss_metric:
            losses['loss_metric'] = self.loss_metric(seen.features, seen.logits, labels, latents)
        if self.loss_bn:
            losses['loss_bn'] = self.loss_bn(seen.statistics)
        if self.loss_act:
            losses['loss_act'] = self.loss_act(seen.features)
        if self.loss_layout:
            losses['loss_layout'] = self.loss_layout([*map(gather, recorder.maps)], labels)
        losses['label_agreement'] = (seen.logits.argmax(1) == labels).float().mean()
        return losses
