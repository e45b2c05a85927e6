"""Passes through the networks and optimiser steps that every method uses."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmdfkd.models.utils import BNRecorder, BNStatistics, Compose, frozen
from mmdfkd.models.utils.gather import gather

from .interface import ToolInterface

Log = dict[str, Tensor]


class Response(NamedTuple):
    """What the networks make of a batch of N images, of all processes' batches together."""

    logits: Tensor  # the teacher's, (N, C)
    features: Tensor  # the teacher's, (N, D)
    statistics: list[BNStatistics]  # of the teacher's batch norms; empty unless asked for
    student_logits: Tensor | None  # (N, C), of a frozen student; None unless asked for


class Passes(ToolInterface):
    """Passes and steps; :class:`DataFreeDistiller` has the networks they use."""

    teacher: Any
    augment: Compose
    channels_last: bool

    def respond(self, inputs: Tensor, statistics: bool = False, student: bool = False) -> Response:
        """Show ``inputs`` (N, C, H, W), normalised, to the teacher, with gradients to them.

        Args:
            inputs: this process's share.
            statistics: record the teacher's batch norms in the same pass.
            student: show them to the frozen student, too.
        """
        recorder = BNRecorder(self.teacher)
        with recorder if statistics else nullcontext():
            logits, features = map(gather, self.teacher(inputs))
        student_logits = None
        if student:
            with frozen(self.student) as network:
                student_logits = gather(network(inputs).logits)
        return Response(logits, features, recorder.statistics, student_logits)

    @torch.no_grad()
    def ask_teacher(self, inputs: Tensor) -> Tensor:
        """Return the teacher's logits (N, K) of normalised images (N, C, H, W)."""
        return self.teacher(inputs).logits

    def minimise(self, losses: dict[str, Tensor], optim_wrapper: OptimWrapper) -> Log:
        """Step on the sum of the entries with ``loss`` in their name; others are logged."""
        loss, log = self.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return {name: value.detach() for name, value in log.items()}

    def laid_out(self, network: nn.Module) -> Any:
        """Put the weights of a network that is built later in ``channels_last``, if it is on."""
        return network.to(memory_format=torch.channels_last) if self.channels_last else network

    def normalize(self, images: Tensor) -> Tensor:
        """Normalise pixels as the data preprocessor does real ones, with gradients."""
        return self.data_preprocessor({'inputs': images})['inputs']

    def denormalize(self, inputs: Tensor) -> Tensor:
        """Turn normalised images (N, C, H, W) into pixels, unclamped, with gradients.

        The data preprocessor should scale and shift each channel, and no more than swap them.
        """
        ends = torch.arange(2, device=inputs.device) * 255.0  # a list would be waited for
        black, white = self.normalize(ends.view(2, 1, 1, 1).expand(2, *inputs.shape[1:]))
        pixels = (inputs - black) / (white - black) * 255
        swapped = getattr(self.data_preprocessor, 'to_rgb', False) and inputs.size(1) == 3
        return pixels.flip(1) if swapped else pixels

    def augmented(self, images: Tensor) -> Tensor:
        """Give each of ``images`` (N, C, H, W) a new view, with gradients."""
        return self.augment(images, self._draws(images))

    def _draws(self, images: Tensor) -> Tensor:
        return torch.rand(len(images), self.augment.num_draws, device=images.device)

    @torch.no_grad()
    def _new_view(self, images: Tensor) -> tuple[Tensor, Tensor]:
        draws = self._draws(images)
        return draws, self.ask_teacher(self.normalize(self.augment(images, draws)))
