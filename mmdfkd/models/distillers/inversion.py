"""Distillers that optimise a new batch of images every round."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.registry import OPTIMIZERS
from torch import Tensor

from mmdfkd.models.utils.gather import alone

from .base import DataFreeDistiller, Log
from .frame.parts import check_memory, check_positive


class InversionDistiller(DataFreeDistiller):
    """Base of the methods that invert the teacher: DeepInversion, CMI, Fast, NAYER.

    A method's ``synthesize`` makes the variables of a new batch, has :meth:`invert` optimise
    them, and remembers the images of the best step. Of several processes each inverts its own
    batch, and the memory gathers them.

    Args:
        inversion_steps: steps of an inversion.
        **kwargs: see :class:`DataFreeDistiller`; ``memory`` should be given.

    Raises:
        ValueError: if there is no memory or a number is not positive.
    """

    def __init__(self, inversion_steps: int, **kwargs: Any) -> None:
        check_positive(inversion_steps=inversion_steps)
        super().__init__(**kwargs)
        check_memory(self)
        self.inversion_steps = inversion_steps

    def invert(
        self,
        variables: Sequence[dict],
        optimizer: dict,
        render: Callable[[], Tensor],
        losses_of: Callable[[Tensor], dict[str, Tensor]],
        after_step: Callable[[int, Tensor], None] | None = None,
    ) -> tuple[Tensor, list[Log]]:
        """Optimise a batch for ``inversion_steps``, by a new optimiser.

        Which step was best is decided on the device: no step waits for it.

        Args:
            variables: parameter groups of the optimiser, as ``dict(params=..., lr=...)``.
            optimizer: config of the optimiser, without parameters.
            render: makes pixels (N, C, H, W) in [0, 255] of the variables.
            losses_of: losses of such pixels by name; entries with ``loss`` in their name are
                summed and minimised, others are logged.
            after_step: called with the step's number and total loss between its backward pass
                and the optimiser's step, while the variables still have their gradients.

        Returns:
            The pixels of the step of the least total loss, and every step's log.
        """
        update = OPTIMIZERS.build(dict(optimizer, params=list(variables)))
        logs = []
        with alone():
            for step in range(self.inversion_steps):
                images = render()
                loss, log = self.parse_losses(losses_of(images))
                if step == 0:
                    best_loss, best_images = loss.detach(), images.detach().clone()
                best_images = torch.where(loss < best_loss, images, best_images).detach()
                best_loss = torch.minimum(loss, best_loss).detach()
                update.zero_grad()
                loss.backward()
                if after_step is not None:
                    after_step(step, loss)
                update.step()
                logs.append({name: value.detach() for name, value in log.items()})
        return best_images, logs
