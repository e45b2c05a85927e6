"""Fast-Datafree: inversion from a common feature that is meta-learned."""

from typing import Any

import torch
from mmengine.dist import all_reduce_params
from mmengine.optim import OptimWrapperDict
from torch import Tensor, nn
from torch.func import functional_call

from mmdfkd.checks import check_range
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import MODELS

from .base import Log
from .frame.parts import check_not_negative, take_rank_0s
from .generator_inversion import GeneratorInversion

#: The public code's factor of the way that the copy went, and its restarted layer's spread.
_REPTILE_FACTOR = 67.0
_RESTART_STD = 0.02
_FIRST_LAYERS = ('dense', 'first_norm')


@MODELS.register_module()
class FastDatafree(GeneratorInversion):
    """Up to 100x Faster Data-Free Knowledge Distillation (Fang et al., AAAI 2022), algorithm 1.

    ``L = loss_ce + loss_bn + loss_adv``. A round adapts a copy of the generator, the common
    feature, and new latents in ``inversion_steps``. What the copy learned then updates the
    generator itself, by the optimiser ``generator`` of ``optim_wrapper``.

    Args:
        latent_lr: learning rate of the latents; that of the copy is ``optimizer``'s.
        meta_update: ``'fomaml'``, the sum of the steps' gradients, or ``'reptile'``.
        layer_restart: round before which the generator's first layer is drawn anew, or None.
        **kwargs: see :class:`GeneratorInversion`.

    Raises:
        ValueError: if ``meta_update`` is unknown or a number is out of range.
    """

    optimised = {'generator': ('generator',), 'student': ('student',)}

    def __init__(
        self,
        latent_lr: float,
        meta_update: str = 'fomaml',
        layer_restart: int | None = None,
        **kwargs: Any,
    ) -> None:
        if meta_update not in ('fomaml', 'reptile'):
            raise ValueError(
                f"meta_update should be 'fomaml' or 'reptile', but got {meta_update!r}"
            )
        check_range('[0, inf)', latent_lr=latent_lr)
        super().__init__(**kwargs)
        if layer_restart is not None:
            check_not_negative(layer_restart=layer_restart)
            layers = [getattr(self.generator, name, None) for name in _FIRST_LAYERS]
            if any(getattr(layer, 'weight', None) is None for layer in layers):
                raise ValueError(
                    f'layer_restart should be None for a generator without weights in '
                    f'{_FIRST_LAYERS}, but got {layer_restart} for {type(self.generator).__name__}'
                )
        self.latent_lr = latent_lr
        self.meta_update = meta_update
        self.layer_restart = layer_restart

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Invert from the common feature, then improve it."""
        common = unwrap(self.generator)
        if int(self.rounds) == self.layer_restart:
            self.restart_first_layer(common)
            self.num_restarts += 1
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
            after_step=None if self.meta_update == 'reptile' else collect,
        )
        self.loss_bn.update()
        if self.meta_update == 'reptile':
            pairs = zip(common.parameters(), copy.values(), strict=True)
            gradients = [_REPTILE_FACTOR * (old - new).detach() for old, new in pairs]
        self.meta_step(gradients, optim_wrapper)
        self.remember(images, optim_wrapper)
        return logs

    def meta_step(self, gradients: list[Tensor], optim_wrapper: OptimWrapperDict) -> None:
        """Update the generator by ``gradients`` of its parameters, the processes' mean."""
        all_reduce_params(gradients, op='mean')
        pairs = zip(unwrap(self.generator).parameters(), gradients, strict=True)
        # A function with these gradients, for a wrapper that scales, clips or accumulates.
        optim_wrapper['generator'].update_params(sum((p * g).sum() for p, g in pairs))

    @staticmethod
    def restart_first_layer(generator: Any) -> None:
        """Draw the dense layer and the norm after it anew, as the public code does."""
        for layer in (getattr(generator, name) for name in _FIRST_LAYERS):
            nn.init.normal_(layer.weight, 0.0, _RESTART_STD)
            nn.init.zeros_(layer.bias)
            take_rank_0s(layer)
