"""MAD: momentum adversarial distillation."""

from copy import deepcopy
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.checks import check_range
from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import average_buffers, frozen, gather, move_towards
from mmdfkd.registry import MODELS

from .base import Log
from .frame.loss_trial import try_losses
from .frame.parts import (
    build,
    check_absent,
    check_batch_norms,
    check_conditional,
    check_no_warmup,
)
from .generative import GenerativeDistiller


@MODELS.register_module()
class MAD(GenerativeDistiller):
    """MAD (Do et al., NeurIPS 2022): a slow copy of the generator reminds the student.

    ``L_G = loss_adv (+ loss_ce) (+ loss_bn)``, ``L_S = loss_kd + loss_kd_ema``: in each of its
    steps the student learns from new images of the live generator and from as many of the
    generator's exponential moving average, which changes little from round to round. In
    ``warmup_rounds`` the generator learns alone, without ``loss_adv``. Where the generator is
    restarted, the average begins anew with it.

    Args:
        loss_adv: config of the adversarial loss.
        loss_kd_ema: config of the student's loss on the average generator's images.
        momentum: share of the average that is kept each round, in [0, 1).
        loss_ce: config of the class-condition loss, or None for an unconditional generator.
        loss_bn: config of the BN statistics loss, or None.
        **kwargs: see :class:`GenerativeDistiller`; without ``memory``.

    Raises:
        ValueError: if there is a memory, ``momentum`` is out of range, ``loss_bn`` is given for a
            teacher without batch norms or ``loss_ce`` for a generator that ignores labels, or the
            generator has no loss in the warm-up.
    """

    def __init__(
        self,
        loss_adv: dict | nn.Module,
        loss_kd_ema: dict | nn.Module,
        momentum: float = 0.95,
        loss_ce: dict | nn.Module | None = None,
        loss_bn: dict | nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_range('[0, 1)', momentum=momentum)
        self.loss_adv = build(loss_adv)
        self.loss_kd_ema = build(loss_kd_ema)
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.momentum = momentum
        # No optimiser has it; saved with the rest, and the same in all processes.
        self.ema_generator = deepcopy(self.generator).requires_grad_(False)
        self._new_generator = False  # from a restart to the round's end
        check_absent(self, 'two live generators', memory=self.memory)
        check_conditional(self)
        check_batch_norms(self.teacher, self.loss_bn)
        if not (self.loss_ce or self.loss_bn or self.image_priors):
            check_no_warmup(self)
        try_losses(self, 'loss_kd', 'loss_kd_ema', 'loss_adv')

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Train the generator; its average follows, all the way where the generator is new."""
        logs = super().synthesize(labels, optim_wrapper)
        average_buffers(self.generator)  # each process's batch norms saw images of its own
        is_new = self._new_generator or not int(self.rounds)
        move_towards(self.ema_generator, self.generator, 1.0 if is_new else 1 - self.momentum)
        self._new_generator = False
        return logs

    def restart(self, optim_wrapper: OptimWrapperDict, layer: str = '') -> None:
        """Give the generator new weights; see the base."""
        super().restart(optim_wrapper, layer)
        self._new_generator = True

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return MAD's losses of normalised ``inputs`` (N, C, H, W), asked to be ``labels``."""
        seen = self.respond(inputs, bool(self.loss_bn), student=not self.warming_up)
        losses = {}
        if not self.warming_up:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        if self.loss_ce:
            losses['loss_ce'] = self.loss_ce(seen.logits, gather(labels))
        if self.loss_bn:
            losses['loss_bn'] = self.loss_bn(seen.statistics)
        return losses

    @property
    def new_batches(self) -> int:
        """Each step has a batch of either generator."""
        return 2 * self.kd_steps

    @torch.no_grad()
    def sample(self, step: int, labels: Tensor) -> Batch:
        """Give new images of ``labels`` (N,): N of the generator, then N of its average."""
        live = super().sample(step, labels).images
        with frozen(self.ema_generator) as average:
            recalled = average(self.new_latents(labels), labels)
        return Batch(torch.cat([live, self.augmented(recalled)]))

    def student_losses(self, inputs: Tensor, teacher_logits: Tensor) -> dict[str, Tensor]:
        """Weigh the two halves of ``inputs`` (2N, C, H, W), of one pass, each on its own."""
        live, recalled = self.student(inputs).logits.chunk(2)
        live_target, recalled_target = teacher_logits.chunk(2)
        return {
            'loss_kd': self.loss_kd(live, live_target),
            'loss_kd_ema': self.loss_kd_ema(recalled, recalled_target),
        }
