"""What the parity scripts of DAFL, DFAD, ZSKT and DFQ share: adapters, records, a table.

Both sides have the same networks and latents, in double precision. Their generators make
normalised images, ours pixels: here the data preprocessor changes nothing, and our side trains
a copy of their generator as it is.
"""

import copy
import sys
import types
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from mmdfkd.cli.command import Parser
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import generative

# Their generators make normalised images; the trial of a distiller's wants pixels.
patch.object(generative, 'try_generator').start()

#: The greatest relative difference that rounding in double precision explains.
ENOUGH = 1e-9
#: What is smaller is compared as if it were this large.
_LEAST = 1e-6


class LogitsOnly(nn.Module):
    """Their network as ours want one: it gives logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits (N, C) of normalised images (N, C, H, W)."""
        outputs = self.network(inputs)
        return outputs[0] if isinstance(outputs, tuple) else outputs


class TheirGenerator(nn.Module):
    """A copy of their generator with what a distiller asks of one; labels are not used."""

    conditional = False

    def __init__(self, network: nn.Module, latent_dim: int, out_channels: int) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self.latent_dim = latent_dim
        self.out_channels = out_channels
        self.image_size = 32

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return normalised images (N, C, 32, 32)."""
        return self.network(latents)


class NoPreprocessor(BaseDataPreprocessor):
    """Leaves images as they are, in double precision."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Return the batch itself."""
        return data


class Steps:
    """Gradients that an optimiser's steps use, by the parameter's name, step by step."""

    def __init__(self, optimizer: Any, network: nn.Module) -> None:
        self.network = network
        self.gradients: list[dict[str, Tensor]] = []
        optimizer.register_step_pre_hook(self._note)

    def _note(self, *_: Any) -> None:
        parameters = self.network.named_parameters()
        self.gradients.append({k: p.grad.clone() for k, p in parameters if p.grad is not None})


def recorded(function: Callable[..., Any], values: list[Any]) -> Callable[..., Any]:
    """Have a function note what it returns."""

    def note(*args: Any, **kwargs: Any) -> Any:
        values.append(function(*args, **kwargs))
        return values[-1]

    return note


class Table:
    """Greatest relative differences of what was compared, by name."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.worst: dict[str, float] = {}

    def compare(self, name: str, theirs: Any, ours: Any) -> None:
        """Note how far tensors, or lists or dicts of them, differ, as a share of the greatest."""
        if isinstance(theirs, dict):
            for left, right in zip(theirs.values(), ours.values(), strict=True):
                self.compare(name, left, right)
        elif isinstance(theirs, Sequence):
            for left, right in zip(theirs, ours, strict=True):
                self.compare(name, left, right)
        else:
            left, right = (torch.as_tensor(value).double() for value in (theirs, ours))
            assert left.shape == right.shape, (name, left.shape, right.shape)
            # A bias before a batch norm has no gradient but rounding's, hence the least size.
            size = max(float(left.abs().max()), _LEAST)
            far = float((left - right).abs().max()) / size
            self.worst[name] = max(self.worst.get(name, 0.0), far)

    def finish(self) -> None:
        """Print the table; exit with an error if anything differs by more than rounding."""
        print(f'{self.title}: greatest relative difference')
        for name, far in self.worst.items():
            print(f'  {name:<44} {far:.1e}')
        off = [name for name, far in self.worst.items() if not far < ENOUGH]
        if off:
            sys.exit(f'these should differ by less than {ENOUGH:.0e}: {off}')


def parse_peer(name: str, url: str) -> Path:
    """Read ``--peer DIR``, put it first on the path, and set up double precision."""
    parser = Parser(description=f'Compare with the public code of {name}.')
    parser.add_argument('--peer', type=Path, required=True, help=f'a clone of {url}')
    peer = parser.parse_args().peer.resolve()
    if not peer.is_dir():
        parser.error(f'--peer should be a clone of {url}, but {peer} is no folder')
    sys.path.insert(0, str(peer))
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter('ignore')  # of their use of torch
    return peer


def supply(name: str, **members: Any) -> None:
    """Stand in for a module of theirs that imports what is not needed here."""
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


def without_gpu() -> None:
    """Have ``.cuda()`` return the network or tensor itself."""
    for kind in (nn.Module, Tensor):
        setattr(kind, 'cuda', lambda self, *_, **__: self)  # noqa: B010


def wake_batch_norms(network: nn.Module) -> nn.Module:
    """Give batch norms statistics and scales that are not the initial ones."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.get_buffer('running_mean'), 0, 0.3)
            nn.init.uniform_(module.get_buffer('running_var'), 0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
    return network


def our_parts(
    teacher: nn.Module, student: nn.Module, generator: nn.Module, latent_dim: int, channels: int
) -> dict[str, Any]:
    """Return a distiller's parts of copies of theirs."""
    return dict(
        teacher=Classifier(LogitsOnly(copy.deepcopy(teacher))),
        student=Classifier(LogitsOnly(copy.deepcopy(student))),
        generator=TheirGenerator(generator, latent_dim, channels),
        data_preprocessor=NoPreprocessor(),
    )


def our_wrapper(ours: Any, generator: dict, student: dict) -> Any:
    """Build the distiller's optimisers, from arguments of their ``OptimWrapper``."""
    configs = dict(generator=generator, student=student)
    return MultiOptimWrapperConstructor(
        {key: dict(cfg, type=OptimWrapper) for key, cfg in configs.items()}
    )(ours)


def weights(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's parameters."""
    return {name: value.detach() for name, value in network.named_parameters()}
