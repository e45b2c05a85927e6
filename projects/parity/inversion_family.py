"""What the parity scripts of DeepInversion and CMI share: their package, records, the table.

Their code runs as it is, in double precision. What is supplied or patched in its process:
``torchvision.models.utils`` (gone from torchvision); without a GPU ``.cuda()``, ``.to('cuda')``
and the device of ``torch.randn``.
"""

import contextlib
import copy
import sys
import types
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from mmpretrain.models import ClsDataPreprocessor
from torch import Tensor, nn

from mmdfkd.cli.command import Parser
from mmdfkd.models.classifiers import Classifier

TOLERANCE = 1e-8  # relative; of double precision through a few steps of Adam


def parse_peer(url: str, marker: str) -> Path:
    """Return the folder of ``--peer``, put first on the import path.

    Raises:
        ValueError: if the peer's file ``marker`` is not there.
    """
    parser = Parser(description='Losses and gradients beside public code.')
    parser.add_argument('--peer', type=Path, required=True, help=f'a clone of {url}')
    folder = parser.parse_args().peer.resolve()
    if not (folder / marker).is_file():
        raise ValueError(
            f'--peer should be a clone of {url}, but got {folder}, which has no {marker}; '
            f'do: git clone {url}'
        )
    sys.path.insert(0, str(folder))
    return folder


def supply() -> None:
    """Give the peer what it misses, and compute in double precision."""
    utils: Any = types.ModuleType('torchvision.models.utils')
    utils.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules[utils.__name__] = utils
    torch.set_default_dtype(torch.float64)
    if torch.cuda.is_available():
        return
    for owner in (torch.Tensor, nn.Module):
        owner.cuda = lambda self, *_, **__: self  # type: ignore[assignment, method-assign]
    to = torch.Tensor.to
    torch.Tensor.to = (  # type: ignore[method-assign, assignment]
        lambda self, *args, **kwargs: self if args == ('cuda',) else to(self, *args, **kwargs)
    )
    torch.cuda.current_device = lambda: 0


class DoublePreprocessor(ClsDataPreprocessor):
    """Normalises in double precision: mmpretrain's casts images to single first."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise ``data['inputs']``."""
        return {'inputs': (data['inputs'] - self.mean) / self.std}


def wake(network: Any) -> Any:
    """Give a network of 32-pixel images running statistics of its own; return it in eval."""
    network.train()
    for _ in range(5):
        network(torch.randn(20, 3, 32, 32))
    return network.eval()


def our_network(network: Any) -> Classifier:
    """Return the adapter of a copy of the peer's network."""
    return Classifier(copy.deepcopy(network))


@contextlib.contextmanager
def recorded_noise(scale: float, made: list[Tensor]) -> Iterator[None]:
    """Have ``torch.randn`` draw in double precision on the host, and note what it gave.

    Args:
        scale: factor of the noise: below 1, no pixel starts out of its range.
        made: receives the very tensors.
    """
    draw = torch.randn

    def randn(*args: Any, **kwargs: Any) -> Tensor:
        shape = kwargs.pop('size', None) or args
        with torch.no_grad():
            made.append(draw(*shape) * scale)
        return made[-1].requires_grad_(kwargs.get('requires_grad', False))

    with mock.patch('torch.randn', randn):
        yield


@contextlib.contextmanager
def recorded_losses(values: list[float]) -> Iterator[None]:
    """Note the value of every loss whose ``backward`` is called inside."""
    backward = torch.Tensor.backward

    def noting(self: Tensor, *args: Any, **kwargs: Any) -> None:
        values.append(float(self.detach().squeeze()))
        backward(self, *args, **kwargs)

    with mock.patch('torch.Tensor.backward', noting):
        yield


class TorchRandom:
    """Python's ``random``, as the peers use it, on torch's generator in the order of our draws."""

    @staticmethod
    def randint(low: int, high: int) -> int:
        """Draw a whole number from ``low`` to ``high``."""
        return int(torch.randint(low, high + 1, ()))

    @staticmethod
    def random() -> float:
        """Draw from (0, 1]: they mirror above 1/2, we below."""
        return 1 - float(torch.rand(()))


class Table:
    """The greatest difference of every kind of value."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.worst: dict[str, float] = defaultdict(float)

    def compare(self, name: str, theirs: Any, ours: Any) -> None:
        """Note the greatest difference, in units of the greatest value of theirs."""
        left, right = (torch.as_tensor(value).detach().double() for value in (theirs, ours))
        assert left.shape == right.shape, (name, left.shape, right.shape)
        difference = (left - right).abs().max() / left.abs().max().clamp_min(1e-300)
        self.worst[name] = max(self.worst[name], float(difference))

    def finish(self) -> None:
        """Print the table; end with status 1 if a difference is over ``TOLERANCE``."""
        print(f'| {self.title} | greatest relative difference |\n|---|---|')
        for name, value in self.worst.items():
            print(f'| {name} | {value:.1e} |')
        if not max(self.worst.values()) < TOLERANCE:
            raise SystemExit(
                f'a difference should be below {TOLERANCE}, but got {dict(self.worst)}'
            )
