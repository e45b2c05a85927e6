"""Fast-Datafree: inversion from a common feature that is meta-learned."""

from typing import Any

import torch
from mmengine.dist import all_reduce_params
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn
from torch.func import functional_call

from mmdfkd.models.utils import unwrap
from mmdfkd.registry import MODELS

from .base import Log
from .inversion import InversionDistiller
from .parts import build, check_batch_norms, check_generator, check_parts, take_rank_0s

#: The public code's factor of the way that the copy went, and its restarted layer's spread.
_REPTILE_FACTOR = 67.0
_RESTART_STD = 0.02


@MODELS.register_module()
class FastDatafree(InversionDistiller):
    """Up to 100x Faster Data-Free Knowledge Distillation (Fang et al., AAAI 2022), algorithm 1.

    ``L = loss_ce + loss_bn + loss_adv``. A round adapts a copy of the generator, the common
    feature, and new latents in ``inversion_steps``. What the copy learned then updates the
    generator itself, by the optimiser ``generator`` of ``optim_wrapper``.

    Args:
        generator: config of a generator (latents, labels) -> pixels.
        loss_ce: config of the class-condition loss.
        loss_bn: config of a :class:`~mmdfkd.models.losses.RunningBNStatisticsLoss`.
        loss_adv: config of the adversarial loss, on after ``warmup_rounds``.
        optimizer: config of the optimiser of the copy, built anew every round.
        latent_lr: its learning rate of the latents.
        meta_update: ``'fomaml'``, the sum of the steps' gradients, or ``'reptile'``.
        layer_restart: round before which the generator's first layer is drawn anew, or None.
        **kwargs: see :class:`InversionDistiller`; ``image_shape`` is the generator's.

    Raises:
        ValueError: if ``meta_update`` is unknown or the teacher has no batch norms.
    """

    optimised = {'generator': ('generator',), 'student': ('student',)}

    def __init__(
        self,
        generator: dict | nn.Module,
        loss_ce: dict | nn.Module,
        loss_bn: dict | nn.Module,
        loss_adv: dict | nn.Module,
        optimizer: dict,
        latent_lr: float,
        meta_update: str = 'fomaml',
        layer_restart: int | None = None,
        **kwargs: Any,
    ) -> None:
        if meta_update not in ('fomaml', 'reptile'):
            raise ValueError(
                f"meta_update should be 'fomaml' or 'reptile', but got {meta_update!r}"
            )
        network = build(generator)
        check_generator(network)
        shape = (network.out_channels, network.image_size, network.image_size)
        super().__init__(image_shape=shape, **kwargs)
        check_parts(teacher=self.teacher, generator=network)
        self.generator: Any = network
        self.loss_ce = build(loss_ce)
        self.loss_bn = build(loss_bn)
        self.loss_adv = build(loss_adv)
        check_batch_norms(self.teacher, self.loss_bn)
        self.loss_bn.allocate(self.teacher)
        self.optimizer = optimizer
        self.latent_lr = latent_lr
        self.meta_update = meta_update
        self.layer_restart = layer_restart

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert from the common feature, then improve it."""
        common = unwrap(self.generator)
        if int(self.rounds) == self.layer_restart:
            self.restart_first_layer(common)
        copy = {k: v.detach().clone().requires_grad_() for k, v in common.named_parameters()}
        latents = torch.randn(len(labels), common.latent_dim, device=labels.device)
        latents.requires_grad_()
        gradients = [torch.zeros_like(value) for value in copy.values()]

        def collect(step: int, loss: Tensor) -> None:
            torch._foreach_add_(gradients, [value.grad for value in copy.values()])

        images, logs = self.invert(
            [dict(params=[*copy.values()]), dict(params=[latents], lr=self.latent_lr)],
            self.optimizer,
            render=lambda: functional_call(common, copy, (latents, labels)),
            losses_of=lambda images: self.inversion_losses(images, labels),
            after_step=collect,
        )
        self.loss_bn.update()
        if self.meta_update == 'reptile':
            pairs = zip(common.parameters(), copy.values(), strict=True)
            gradients = [_REPTILE_FACTOR * (old - new).detach() for old, new in pairs]
        self.meta_step(gradients, optim_wrapper)
        self.remember(images, optim_wrapper)
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

    def meta_step(self, gradients: list[Tensor], optim_wrapper: OptimWrapperDict) -> None:
        """Update the generator by ``gradients`` of its parameters, the processes' mean."""
        all_reduce_params(gradients, op='mean')
        pairs = zip(unwrap(self.generator).parameters(), gradients, strict=True)
        # A function with these gradients, for a wrapper that scales, clips or accumulates.
        optim_wrapper['generator'].update_params(sum((p * g).sum() for p, g in pairs))

    @staticmethod
    def restart_first_layer(generator: Any) -> None:
        """Draw the dense layer and the norm after it anew, as the public code does."""
        for layer in (generator.dense, generator.first_norm):
            nn.init.normal_(layer.weight, 0.0, _RESTART_STD)
            nn.init.zeros_(layer.bias)
            take_rank_0s(layer)
