"""What Fast-Datafree and NAYER share: a generator that lasts, and one objective."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.models.losses import RunningBNStatisticsLoss
from mmdfkd.models.utils.bn_recorder import channels_passed
from mmdfkd.optimizer_checks import check_optimizer

from .frame.loss_trial import try_losses
from .frame.parts import build, check_batch_norms, check_generator, check_parts, image_shape_of
from .frame.trial import try_generator
from .inversion import InversionDistiller


class GeneratorInversion(InversionDistiller):
    """Base of the inversions by a generator that later ones go on from.

    ``L = loss_ce + loss_bn + loss_adv`` of new views of the images.

    Args:
        generator: config of a generator.
        loss_ce: config of the class-condition loss.
        loss_bn: config of a :class:`~mmdfkd.models.losses.RunningBNStatisticsLoss`.
        loss_adv: config of the adversarial loss, on after ``warmup_rounds``.
        optimizer: config of the optimiser, built anew for every inversion.
        **kwargs: see :class:`InversionDistiller`; ``image_shape`` is the generator's.

    Raises:
        ValueError: if the generator lacks what the method needs, ``loss_bn`` is another, or
            the teacher has no batch norms.
    """

    #: What the generator should have, apart from every generator's attributes.
    needed_of_generator: tuple[str, ...] = ()

    def __init__(
        self,
        generator: dict | nn.Module,
        loss_ce: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_adv: dict | nn.Module,
        optimizer: dict,
        **kwargs: Any,
    ) -> None:
        network = build(generator)
        check_generator(network, *self.needed_of_generator)
        shape = image_shape_of(network)
        super().__init__(image_shape=shape, **kwargs)
        check_optimizer('optimizer', optimizer)
        check_parts(teacher=self.teacher, generator=network)
        try_generator(network, shape, self.num_classes)
        self.generator: Any = self.laid_out(network)
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.loss_adv = build(loss_adv)
        check_batch_norms(self.teacher, self.loss_bn, needed=True)
        if not isinstance(self.loss_bn, RunningBNStatisticsLoss):
            raise ValueError(
                f'loss_bn of {type(self).__name__} should be a RunningBNStatisticsLoss, but got a '
                f'{type(self.loss_bn).__name__}; give its config (momentum=0 is without average)'
            )
        self.loss_bn.allocate(channels_passed(self.teacher.network, shape))
        try_losses(self, 'loss_ce', 'loss_bn', 'loss_adv')
        self.optimizer = optimizer

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
