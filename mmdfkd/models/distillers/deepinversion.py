"""DeepInversion and Adaptive DeepInversion: images are optimised pixel by pixel."""

from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn

from mmdfkd.checks import check_below, check_not_negative, check_switch
from mmdfkd.optimizer_checks import check_optimizer
from mmdfkd.registry import MODELS

from .base import Log
from .frame.loss_trial import try_losses
from .frame.parts import build, check_batch_norms
from .inversion import InversionDistiller


def jitter(images: Tensor, limit: int, flip: bool) -> Tensor:
    """Roll images (N, C, H, W) by up to ``limit`` pixels and perhaps mirror them, all alike."""
    down, right = torch.randint(-limit, limit + 1, (2,)).tolist()  # the host's own draw
    images = images.roll((down, right), dims=(2, 3))
    return images.flip(3) if flip and torch.rand(()) < 0.5 else images


@MODELS.register_module()
class DeepInversion(InversionDistiller):
    """DeepInversion (Yin et al., CVPR 2020), equations 2 to 4; with competition ADI, equation 8.

    ``L = loss_ce + loss_bn (+ loss_tv) (+ loss_l2) (+ loss_compete)`` of jittered images. The
    variables are the normalised images themselves, from N(0, I), kept where pixels are.

    Args:
        optimizer: config of the images' optimiser, a new one a batch.
        loss_ce: config of the class-condition loss.
        loss_bn: config of the BN statistics loss.
        loss_tv: config of the total variation, or None.
        loss_l2: config of the image norm, or None.
        loss_compete: config of ADI's competition with the student, or None; on after
            ``warmup_rounds``.
        jitter: pixels by which a step's images are rolled at most.
        flip: mirror the images in half of the steps.
        **kwargs: see :class:`InversionDistiller`.

    Raises:
        ValueError: if the teacher has no batch norms, ``jitter`` is negative or no whole
            number, or ``flip`` no switch.
    """

    def __init__(
        self,
        optimizer: dict,
        loss_ce: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_tv: dict | nn.Module | None = None,
        loss_l2: dict | nn.Module | None = None,
        loss_compete: dict | nn.Module | None = None,
        jitter: int = 2,
        flip: bool = False,
        **kwargs: Any,
    ) -> None:
        check_not_negative(jitter=jitter)
        check_switch(flip=flip)
        super().__init__(**kwargs)
        check_optimizer('optimizer', optimizer)
        check_below(min(self.image_shape[1:]), jitter=jitter)
        self.optimizer = optimizer
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.loss_tv = build(loss_tv)
        self.loss_l2 = build(loss_l2)
        self.loss_compete = build(loss_compete)
        self.jitter = jitter
        self.flip = flip
        check_batch_norms(self.teacher, self.loss_bn, needed=True)
        try_losses(self, 'loss_ce', 'loss_bn')

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert the teacher for ``labels`` (N,), and remember the images of the best step."""
        inputs = torch.randn(len(labels), *self.image_shape, device=labels.device)
        inputs.requires_grad_()

        def render() -> Tensor:
            with torch.no_grad():  # the last step may have left the range of pixels
                inputs.copy_(self.normalize(self.denormalize(inputs).clamp(0, 255)))
            return self.denormalize(inputs)

        images, logs = self.invert(
            [dict(params=[inputs])],
            self.optimizer,
            render,
            lambda images: self.image_losses(jitter(images, self.jitter, self.flip), labels),
        )
        self.remember(images, optim_wrapper)
        return logs

    def image_losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Compute the losses of pixels (N, C, H, W) that should show ``labels`` (N,)."""
        inputs = self.normalize(images)
        competes = self.loss_compete is not None and not self.warming_up
        seen = self.respond(inputs, statistics=True, student=competes)
        losses = {
            'loss_ce': self.loss_ce(seen.logits, labels),
            'loss_bn': self.loss_bn(seen.statistics),
        }
        if self.loss_tv:
            losses['loss_tv'] = self.loss_tv(inputs)
        if self.loss_l2:
            losses['loss_l2'] = self.loss_l2(inputs)
        if competes:
            losses['loss_compete'] = self.loss_compete(seen.student_logits, seen.logits)
        losses['label_agreement'] = (seen.logits.argmax(1) == labels).float().mean()
        return losses
