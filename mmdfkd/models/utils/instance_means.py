"""Records what a network's layers see of each image, for as long as a ``with`` block lasts."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .precision import full_precision
from .watching import Watcher


class InstanceMeans(Watcher):
    """Context manager: collects each image's mean input of every one of the ``layers``.

    As for :class:`BNRecorder`, the hooks live inside the ``with`` block only.

    Args:
        layers: the layers to watch, whose inputs are maps (N, C, H, W).

    Examples:
        >>> teacher = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
        >>> with InstanceMeans(teacher) as means:
        ...     _ = teacher(torch.rand(2, 3, 8, 8))
        >>> means.features.shape
        torch.Size([2, 7])
    """

    def __init__(self, layers: Sequence[nn.Module] | nn.Sequential) -> None:
        self.layers = list(layers)
        self._means: list[Tensor] = []

    @property
    def features(self) -> Tensor:
        """The means of all layers passed, side by side: (N, sum of their input channels)."""
        return torch.cat(self._means, dim=1)

    def watch(self) -> list[RemovableHandle]:
        """See every layer's input; see the base."""
        self._means = []
        return [layer.register_forward_pre_hook(self._record) for layer in self.layers]

    def _record(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._means.append(full_precision(inputs[0]).mean((2, 3)))
