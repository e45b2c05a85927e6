"""What the parity scripts of Fast-Datafree and NAYER share: their package, networks, records.

Their code runs as it is, in double precision. What is supplied or patched in its process:
``torchvision.models.utils`` (gone from torchvision), ``xlsxwriter`` and ``wandb`` (empty),
``.cuda()`` without a GPU (returns self), the data loader of the stored images (not built), and
the draws of its augmentation (recorded).
"""

import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmpretrain.models import ClsDataPreprocessor, ImageClassifier, LinearClsHead
from torch import Tensor

from mmdfkd.cli.command import Parser
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor
from mmdfkd.models.backbones import WideResNet
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses import (
    AdversarialLoss,
    ClassConditionLoss,
    KDLoss,
    RunningBNStatisticsLoss,
)
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import ShiftFlip

BATCH = 25  # not a multiple of the classes
STEPS = 3  # of an inversion
ROUNDS = 3
TOLERANCE = 1e-8  # relative; of double precision through a few steps of Adam
WEIGHTS = dict(adv=1.1, bn=10.0, oh=0.4)
ADAM: dict[str, Any] = dict(type=torch.optim.Adam, lr=3e-3, betas=(0.5, 0.999))
PAD = 4
#: The peers' names of our generator's layers.
LAYERS = {
    'norm': 'n1',
    'dense': 'l1.0',
    'first_norm': 'conv_blocks.0',
    'convs.0': 'conv_blocks.2',
    'norms.0': 'conv_blocks.3',
    'convs.1': 'conv_blocks.6',
    'norms.1': 'conv_blocks.7',
    'to_pixels': 'conv_blocks.9',
}


def parse_peer(method: str, url: str) -> Path:
    """Return the folder of ``--peer``, put first on the import path.

    Raises:
        ValueError: if the peer's code is not there.
    """
    parser = Parser(description=f'Losses and gradients beside {method}’s code.')
    parser.add_argument('--peer', type=Path, required=True, help=f'a clone of {url}')
    folder = parser.parse_args().peer.resolve()
    if not (folder / 'datafree/synthesis').is_dir():
        raise ValueError(
            f'--peer should be a clone of {method}, but got {folder}, which has no '
            f'datafree/synthesis; do: git clone {url}'
        )
    sys.path.insert(0, str(folder))
    return folder


def supply() -> None:
    """Give the peer what it misses, and compute in double precision."""
    utils: Any = types.ModuleType('torchvision.models.utils')
    utils.load_state_dict_from_url = torch.hub.load_state_dict_from_url
    sys.modules[utils.__name__] = utils
    for name in ('xlsxwriter', 'wandb'):  # imported by NAYER's modules
        sys.modules.setdefault(name, types.ModuleType(name))
    if not torch.cuda.is_available():
        for owner in (torch.Tensor, torch.nn.Module):
            owner.cuda = lambda self, *_, **__: self  # type: ignore[assignment, method-assign]
    torch.set_default_dtype(torch.float64)


def peer_networks(registry: Any) -> tuple[Any, Any]:
    """Return the peer's WRN-16-1, not quite as initialised, and one that mostly agrees with it."""
    teacher, student = (registry.get_model('wrn16_1', num_classes=10) for _ in range(2))
    teacher.train()
    for _ in range(5):  # running statistics of its own
        teacher(torch.randn(20, 3, 32, 32))
    student.load_state_dict(teacher.state_dict())
    for weight in student.parameters():
        weight.data.add_(0.1 * weight.std().nan_to_num() * torch.randn_like(weight))
    return teacher.eval(), student


def our_network(network: Any, file: Path) -> Classifier:
    """Return our WRN-16-1 with the weights of the peer's."""
    torch.save({k: v.clone() for k, v in network.state_dict().items()}, file)
    config = dict(
        type=ImageClassifier,
        backbone=dict(type=WideResNet, depth=16, widen=1),
        head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
    )
    return Classifier(config, str(file))


class DoublePreprocessor(ClsDataPreprocessor):
    """Normalises in double precision: mmpretrain's casts images to single first."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Normalise ``data['inputs']``."""
        return {'inputs': (data['inputs'] - self.mean) / self.std}


def our_parts(teacher: Any, student: Any, folder: Path) -> dict[str, Any]:
    """Return arguments of our distiller for the peer's networks and ``WEIGHTS``."""
    return dict(
        teacher=our_network(teacher, folder / 'teacher.pth'),
        student=our_network(student, folder / 'student.pth'),
        data_preprocessor=DoublePreprocessor(
            mean=[125.307, 122.961, 113.8575], std=[51.5865, 50.847, 51.255]
        ),
        memory=ImageMemory(ROUNDS * BATCH),
        loss_kd=KDLoss(temperature=20.0),
        loss_ce=ClassConditionLoss(WEIGHTS['oh']),
        loss_bn=RunningBNStatisticsLoss(WEIGHTS['bn'], momentum=0.9),
        loss_adv=AdversarialLoss(WEIGHTS['adv']),
        optimizer=ADAM,
        inversion_steps=STEPS,
        augment=ShiftFlip(PAD),
        kd_steps=1,
    )


def our_wrapper(model: Any) -> OptimWrapperDict:
    """Return Adam of the peer's rate for the generator, if it has one, and SGD."""
    meta = dict(ADAM, lr=ADAM['lr'] * STEPS)
    configs = dict(generator=meta, student=dict(type=torch.optim.SGD, lr=0.1))
    return MultiOptimWrapperConstructor(
        {key: dict(type=OptimWrapper, optimizer=configs[key]) for key in model.optimised}
    )(model)


def their_name(name: str) -> str:
    """Return the peer's name of a weight or buffer of our generator."""
    layer, kind = name.removeprefix('decoder.').rsplit('.', 1)
    return f'{LAYERS[layer]}.{kind}'


def copy_generator(state: dict[str, Tensor], ours: Any) -> None:
    """Give our generator the weights and running statistics of the peer's state."""
    for name, value in ours.state_dict().items():
        if name != 'codes':
            value.copy_(state[their_name(name)])


def recorded_views(synthesizer: Any, views: list[Tensor]) -> Callable[[Tensor], Tensor]:
    """Have the peer's augmentation note what it did, as draws of our ``ShiftFlip``."""
    crop, flip, normalize = synthesizer.aug.transforms

    def aug(images: Tensor) -> Tensor:
        flipped = flip(crop(images))
        corners = crop._params['src'][:, 0]  # (x, y) of the upper left
        shifts = (corners.flip(1).to(images) + 0.5) / (2 * PAD + 1)
        kept = 1 - flip._params['batch_prob'].to(images)[:, None]
        views.append(torch.cat([shifts, kept], dim=1))
        return normalize(flipped)

    return aug


@contextmanager
def backward_losses(values: list[float]) -> Iterator[None]:
    """Note the value of every loss whose ``backward`` is called inside."""
    backward = torch.Tensor.backward

    def noting(self: Tensor, *args: Any, **kwargs: Any) -> None:
        values.append(float(self.detach().squeeze()))
        backward(self, *args, **kwargs)

    torch.Tensor.backward = noting  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        torch.Tensor.backward = backward  # type: ignore[method-assign]


def difference(theirs: Any, ours: Any) -> float:
    """Return the greatest difference of two tensors, in units of the greatest value."""
    left, right = (torch.as_tensor(value).detach().double() for value in (theirs, ours))
    return float((left - right).abs().max() / left.abs().max().clamp_min(1e-300))


def average_of(hooks: list[Any]) -> Tensor:
    """Return the running averages of the peer's hooks in the form of our buffer."""
    means, variances = zip(*(hook.mmt for hook in hooks), strict=True)
    return torch.stack([torch.cat(means), torch.cat(variances)])


def finish(method: str, worst: dict[str, float]) -> None:
    """Print the table; end with status 1 if a difference is over ``TOLERANCE``."""
    print(f'| {method} | greatest relative difference |\n|---|---|')
    for name, value in worst.items():
        print(f'| {name} | {value:.1e} |')
    if not max(worst.values()) < TOLERANCE:
        raise SystemExit(f'a difference should be below {TOLERANCE}, but got {worst}')
