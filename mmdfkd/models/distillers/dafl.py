"""DAFL: data-free learning of student networks."""

from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import share
from mmdfkd.registry import MODELS

from .base import Log
from .frame.loss_trial import try_losses
from .frame.parts import build, check_absent, check_batch_norms
from .generative import GenerativeDistiller


@MODELS.register_module()
class DAFL(GenerativeDistiller):
    """DAFL (Chen et al., ICCV 2019), algorithm 1, with the objective of equation 6.

    ``L_G = loss_pseudo_label + loss_entropy + loss_act``; the generator is
    unconditional and does not see the student unless ``loss_adv`` is given. As published there
    is no memory: the student learns from the very batch that the generator has just learned
    from, and from what the teacher said of it then, so that a round has one teacher pass. With
    a memory only the objective is DAFL's. The paper has no image priors; the base can add them.

    Args:
        loss_pseudo_label: config of the cross-entropy to the teacher's decision.
        loss_entropy: config of the information entropy loss.
        loss_act: config of the activation loss.
        loss_adv: config of an adversarial loss, or None as in the paper; on after
            ``warmup_rounds``. With it and ``loss_bn`` DAFL has DE-DFKD's companions and only
            condition and metric differ.
        loss_bn: config of the BN statistics loss, or None as in the paper.
        **kwargs: see :class:`GenerativeDistiller`; ``augment`` needs a memory.

    Raises:
        ValueError: if ``loss_bn`` is given for a teacher without batch norms, or ``augment``
            without a memory.
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
        try_losses(self, 'loss_pseudo_label', 'loss_entropy', 'loss_act')
        if self.memory is None:
            check_absent(self, "the generator's own batch", augment=self.augment or None)

    def generator_step(
        self, latents: Tensor, labels: Tensor, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, Log]:
        """Update the generator once; its batch, as the teacher saw it, is kept for the student."""
        images, log = super().generator_step(latents, labels, optim_wrapper)
        self._batch = Batch(images, self._logits)
        return images, log

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DAFL's losses of normalised ``inputs`` (N, C, H, W); labels are not used."""
        adversary = self.loss_adv is not None and not self.warming_up
        seen = self.respond(inputs, bool(self.loss_bn), student=adversary)
        self._logits = share(seen.logits.detach())
        losses = {
            'loss_pseudo_label': self.loss_pseudo_label(seen.logits),
            'loss_entropy': self.loss_entropy(seen.logits),
            'loss_act': self.loss_act(seen.features),
        }
        if adversary:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        if self.loss_bn:
            losses['loss_bn'] = self.loss_bn(seen.statistics)
        return losses

    @property
    def new_batches(self) -> int:
        """All steps of a round learn from one batch."""
        return 1

    @torch.no_grad()
    def sample(self, step: int, labels: Tensor) -> Batch:
        """Give the generator's last batch in every step; the memory's images where there is one."""
        return self._batch if self.memory is None else super().sample(step, labels)
