"""NAYER: inversion with label codes and a layer of noise, in place of latents."""

from functools import partial
from typing import Any

from mmengine.dist import all_reduce_params
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.models.utils import unwrap
from mmdfkd.models.utils.gather import average_buffers
from mmdfkd.registry import MODELS

from .base import Log
from .inversion import InversionDistiller
from .parts import build, check_batch_norms, check_parts, check_positive, start_anew


@MODELS.register_module()
class NAYER(InversionDistiller):
    """Noisy layer data generation (Tran et al., CVPR 2024), algorithm 1.

    ``L = loss_ce + loss_bn + loss_adv``. An inversion draws a new layer of noise, and optimises
    it with the generator, which goes on from inversion to inversion and starts anew every
    ``generator_life`` rounds.

    Args:
        generator: config of a :class:`~mmdfkd.models.generators.NoisyLabelGenerator`.
        loss_ce: config of the class-condition loss.
        loss_bn: config of a :class:`~mmdfkd.models.losses.RunningBNStatisticsLoss`.
        loss_adv: config of the adversarial loss, on after ``warmup_rounds``.
        optimizer: config of the optimiser, built anew for every inversion.
        inversions: inversions a round.
        warmup_inversions: inversions a round in the first ``warmup_rounds``.
        generator_life: rounds of one generator.
        **kwargs: see :class:`InversionDistiller`; ``image_shape`` is the generator's.

    Raises:
        ValueError: if the teacher has no batch norms, or a number is not positive.
    """

    def __init__(
        self,
        generator: dict,
        loss_ce: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_adv: dict | nn.Module,
        optimizer: dict,
        inversions: int = 1,
        warmup_inversions: int = 1,
        generator_life: int = 10,
        **kwargs: Any,
    ) -> None:
        check_positive(
            inversions=inversions,
            warmup_inversions=warmup_inversions,
            generator_life=generator_life,
        )
        network = build(generator)
        shape = (network.out_channels, network.image_size, network.image_size)
        super().__init__(image_shape=shape, **kwargs)
        check_parts(teacher=self.teacher, generator=network)
        self.generator: Any = network
        self._generator_config = generator
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.loss_adv = build(loss_adv)
        check_batch_norms(self.teacher, self.loss_bn)
        self.loss_bn.allocate(self.teacher)
        self.optimizer = optimizer
        self.inversions = inversions
        self.warmup_inversions = warmup_inversions
        self.generator_life = generator_life

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert a few batches, each with new noise, and remember each."""
        generator = unwrap(self.generator)
        if int(self.rounds) and int(self.rounds) % self.generator_life == 0:
            start_anew(generator, self._generator_config)
        logs = []
        for _ in range(self.warmup_inversions if self.warming_up else self.inversions):
            noise = generator.draw_noise(len(labels))
            images, steps = self.invert(
                [dict(params=[*generator.parameters(), *noise])],
                self.optimizer,
                render=partial(generator, labels, noise),
                losses_of=lambda images: self.inversion_losses(images, labels),
            )
            self.loss_bn.update()
            self.remember(images, optim_wrapper)
            logs += steps
        generator.zero_grad()
        all_reduce_params(generator.parameters(), op='mean')  # each process went its own way
        average_buffers(generator)
        return logs

    def inversion_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the losses of new views of pixels (N, C, H, W), asked to be ``labels`` (N,)."""
        adversary = not self.warming_up
        inputs = self.normalize(self.augmented(images))
        seen = self.respond(inputs, statistics=True, student=adversary)
        losses = {'loss_ce': self.loss_ce(seen.logits, labels)}
        losses['loss_bn'] = self.loss_bn(seen.statistics)
        if adversary:
            losses['loss_adv'] = self.loss_adv(seen.student_logits, seen.logits)
        return losses
