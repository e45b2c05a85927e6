"""ZSKT: zero-shot knowledge transfer by adversarial belief matching."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.models.memories import Batch
from mmdfkd.models.utils import FeatureMaps, unwrap
from mmdfkd.registry import MODELS

from .base import Log
from .frame.loss_trial import try_losses
from .frame.parts import build, check_absent, check_no_warmup
from .generative import GenerativeDistiller


@MODELS.register_module()
class ZSKT(GenerativeDistiller):
    """ZSKT (Micaelli and Storkey, NeurIPS 2019), algorithm 1.

    ``L_G = loss_adv``, ``L_S = loss_kd + loss_at``. A round has one batch of latents: the
    generator takes ``g_steps`` on it to set student and teacher apart, and the student
    ``kd_steps`` on the images that the generator then makes of it, which the teacher sees once.

    Args:
        loss_adv: config of the adversarial loss.
        loss_at: config of the attention transfer loss, or None for students that are built
            otherwise than the teacher.
        teacher_layers: names in the teacher's network of the layers to attend to.
        student_layers: names of as many in the student's, of maps as large.
        **kwargs: see :class:`GenerativeDistiller`; without ``memory`` and ``augment``.

    Raises:
        ValueError: if there is a memory, an augmentation or a warm-up, or ``loss_at`` without
            layers, layers without it, or names of none.
    """

    def __init__(
        self,
        loss_adv: dict | nn.Module,
        loss_at: dict | nn.Module | None = None,
        teacher_layers: Sequence[str] = (),
        student_layers: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_adv = build(loss_adv)
        self.loss_at = build(loss_at)
        self.teacher_layers, self.student_layers = list(teacher_layers), list(student_layers)
        numbers = len(self.teacher_layers), len(self.student_layers)
        if numbers[0] != numbers[1] or bool(numbers[0]) != bool(self.loss_at):
            raise ValueError(
                'teacher_layers and student_layers should name as many layers for loss_at, and '
                f'none without it, but got {self.teacher_layers} and {self.student_layers}; name '
                'them, or set loss_at=None and leave them out'
            )
        FeatureMaps(self.teacher.network, self.teacher_layers)  # raises now, not in a round
        FeatureMaps(self.student.network, self.student_layers)
        check_no_warmup(self)
        try_losses(self, 'loss_kd', 'loss_adv')
        check_absent(self, 'one batch a round', memory=self.memory, augment=self.augment or None)

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Train the generator on one batch; what it then makes of it is the student's."""
        latents = self.new_latents(labels)
        steps = range(self.g_steps)
        logs = [self.generator_step(latents, labels, optim_wrapper['generator'])[1] for _ in steps]
        context = optim_wrapper['student'].optim_context(self.student)
        recorder = FeatureMaps(self.teacher.network, self.teacher_layers)
        with torch.no_grad():
            images = self.generator(latents, labels)
            with context, recorder:
                self._batch = Batch(images, self.ask_teacher(self.normalize(images)))
        self._teacher_maps = recorder.maps
        return logs

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return the adversarial loss of normalised ``inputs`` (N, C, H, W), without labels."""
        seen = self.respond(inputs, student=True)
        return {'loss_adv': self.loss_adv(seen.student_logits, seen.logits)}

    @property
    def new_batches(self) -> int:
        """All steps of a round learn from one batch."""
        return 1

    def sample(self, step: int, labels: Tensor) -> Batch:
        """Give the round's batch in every step."""
        return self._batch

    def student_losses(self, inputs: Tensor, teacher_logits: Tensor) -> dict[str, Tensor]:
        """Compare logits and attention on the round's ``inputs`` (N, C, H, W)."""
        with FeatureMaps(unwrap(self.student).network, self.student_layers) as recorder:
            losses = {'loss_kd': self.loss_kd(self.student(inputs).logits, teacher_logits)}
        if self.loss_at:
            losses['loss_at'] = self.loss_at(recorder.maps, self._teacher_maps)
        return losses
