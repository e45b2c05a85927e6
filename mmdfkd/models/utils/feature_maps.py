"""Records what named layers of a network give, for as long as a ``with`` block lasts."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .watching import Watcher


def version_of(value: Any) -> int | None:
    """Return how often a tensor was changed in place; None of what does not count it."""
    counts = isinstance(value, Tensor) and not value.is_inference()
    return value._version if counts and not torch.compiler.is_compiling() else None


def check_maps(maps: Tensor) -> None:
    """Raise a ValueError if ``maps`` are not (N, C, H, W), as tokens (N, L, D) are not."""
    if maps.dim() != 4:
        raise ValueError(
            f'maps of a layer should be (N, C, H, W), but got {tuple(maps.shape)}; name a '
            'convolutional layer, or leave this loss out'
        )


class FeatureMaps(Watcher):
    """Context manager: holds the outputs of named layers in the last pass.

    The hooks live inside the ``with`` block only, so that no other pass of the
    network pays for them.

    Args:
        network: the network to watch; nothing of it is changed.
        layers: names of layers in ``network`` whose output is a tensor.

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
        self.names = list(layers)
        self.layers = [known[name] for name in layers]
        self._maps: list[Any] = [None for _ in layers]
        self._versions: list[int | None] = [None for _ in layers]

    @property
    def maps(self) -> list[Any]:
        """The outputs, in the order of ``layers``; None before a pass.

        Raises:
            ValueError: if what came after a layer has changed its output in place.
        """
        for name, maps, version in zip(self.names, self._maps, self._versions, strict=True):
            if version is not None and version_of(maps) not in (None, version):
                raise ValueError(
                    f'layers should have outputs that stay as they are, but that of {name!r} is '
                    'changed in place, by the ReLU after it, say; name the layer that changes it, '
                    'or build the network with inplace=False'
                )
        return list(self._maps)

    def watch(self) -> list[RemovableHandle]:
        """See every layer's output; see the base."""
        return [
            layer.register_forward_hook(self._keep_in(place))
            for place, layer in enumerate(self.layers)
        ]

    def _keep_in(self, place: int) -> Any:
        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self._maps[place] = output
            self._versions[place] = version_of(output)

        return keep
