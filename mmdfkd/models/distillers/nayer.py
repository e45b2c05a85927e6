"""NAYER: inversion with label codes and a layer of noise, in place of latents."""

from functools import partial
from typing import Any

from mmengine.dist import all_reduce_params
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from mmdfkd.models.utils import unwrap
from mmdfkd.models.utils.gather import average_buffers
from mmdfkd.registry import MODELS

from .base import Log
from .frame.parts import check_config, check_positive, start_anew
from .generator_inversion import GeneratorInversion


@MODELS.register_module()
class NAYER(GeneratorInversion):
    """Noisy layer data generation (Tran et al., CVPR 2024), algorithm 1.

    ``L = loss_ce + loss_bn + loss_adv``. An inversion draws a new layer of noise, and optimises
    it with the generator, which goes on from inversion to inversion and starts anew every
    ``generator_life`` rounds.

    Args:
        generator: config of a :class:`~mmdfkd.models.generators.NoisyLabelGenerator`.
        inversions: inversions a round.
        warmup_inversions: inversions a round in the first ``warmup_rounds``.
        generator_life: rounds of one generator.
        **kwargs: see :class:`GeneratorInversion`.

    Raises:
        TypeError: if ``generator`` is a module.
        ValueError: if a number is not positive.
    """

    needed_of_generator = ('draw_noise',)

    def __init__(
        self,
        generator: dict,
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
        check_config(generator, 'NAYER, which starts it anew')
        super().__init__(generator=generator, **kwargs)
        self._generator_config = generator
        self.inversions = inversions
        self.warmup_inversions = warmup_inversions
        self.generator_life = generator_life

    def num_images(self, rounds: int, batch_size: int) -> int:
        """Return how many images the student gets: a batch an inversion."""
        early = min(rounds, self.warmup_rounds)
        inversions = early * self.warmup_inversions + (rounds - early) * self.inversions
        return inversions * batch_size

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert a few batches, each with new noise, and remember each."""
        generator = unwrap(self.generator)
        if int(self.rounds) and int(self.rounds) % self.generator_life == 0:
            start_anew(generator, self._generator_config)
            self.num_restarts += 1
        logs = []
        for _ in range(self.warmup_inversions if self.warming_up else self.inversions):
            noise = generator.draw_noise(labels)
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
