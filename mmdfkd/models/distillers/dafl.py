"""DAFL: data-free learning of student networks, for comparison."""

from typing import Any

from torch import Tensor, nn

from mmdfkd.registry import MODELS

from .base import DataFreeDistiller, _build


@MODELS.register_module()
class DAFL(DataFreeDistiller):
    """The objective of DAFL (Chen et al., ICCV 2019), equation 6, in this frame.

    ``L_G = loss_pseudo_label + loss_entropy + loss_act``; the generator is
    unconditional and does not see the student.

    Args:
        loss_pseudo_label: config of the cross-entropy to the teacher's decision.
        loss_entropy: config of the information entropy loss.
        loss_act: config of the activation loss.
        **kwargs: see :class:`DataFreeDistiller`.
    """

    def __init__(
        self,
        loss_pseudo_label: dict | nn.Module,
        loss_entropy: dict | nn.Module,
        loss_act: dict | nn.Module,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.loss_pseudo_label = _build(loss_pseudo_label)
        self.loss_entropy = _build(loss_entropy)
        self.loss_act = _build(loss_act)

    def generator_losses(
        self, inputs: Tensor, latents: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Return DAFL's losses of normalised ``inputs`` (N, C, H, W); labels are not used."""
        logits, features = self.teacher(inputs)
        return {
            'loss_pseudo_label': self.loss_pseudo_label(logits),
            'loss_entropy': self.loss_entropy(logits),
            'loss_act': self.loss_act(features),
        }
