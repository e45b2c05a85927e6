"""Records what named layers of a network give, for as long as a ``with`` block lasts."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn


class FeatureMaps:
    """Context manager: holds the outputs of named layers in the last pass.

    The hooks live inside the ``with`` block only, so that no other pass of the
    network pays for them.

    Args:
        network: the network to watch; nothing of it is changed.
        layers: names of layers in ``network`` whose output is a tensor.

    Attributes:
        maps: the outputs, in the order of ``layers``; None before a pass.

    Raises:
        ValueError: if ``network`` has no layer of a name.

    Examples:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3))
        >>> with FeatureMaps(network, ['1', '2']) as recorder:
        ...     _ = network(torch.rand(2, 3, 8, 8))
        >>> [tuple(maps.shape) for maps in recorder.maps]
        [(2, 4, 6, 6), (2, 5, 4, 4)]
    """

    def __init__(self, network: nn.Module, layers: Sequence[str]) -> None:
        known = dict(network.named_modules())
        unknown = [name for name in layers if name not in known or not name]
        if unknown:
            raise ValueError(
                f'layers should name layers of {type(network).__name__}, but got {unknown}; '
                f'its own are {[name for name, _ in network.named_children()]} and theirs'
            )
        self.layers = [known[name] for name in layers]
        self.maps: list[Any] = [None for _ in layers]
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> 'FeatureMaps':
        self._handles = [
            layer.register_forward_hook(self._keep_in(place))
            for place, layer in enumerate(self.layers)
        ]
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep_in(self, place: int) -> Any:
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self.maps[place] = output

        return keep
