"""A trained student alone: its network, its weights, and all that says how to use it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.models.classifiers.brought import WRAPPERS, drop_weights
from mmdfkd.models.classifiers.probe import logits_of
from mmdfkd.models.distillers.frame.parts import image_shape_of
from mmdfkd.registry import MODELS
from mmdfkd.safe_load import only_safe_loads
from mmdfkd.weights import check_finite, find_weights

from .record import record_of
from .resize import resize_of

PREFIX = 'student.network.'


class PixelClassifier(nn.Module):
    """A network with its normalisation: pixels in, logits out, and nothing else to know.

    Args:
        network: maps normalised images (N, C, H, W) to logits, or a container with them.
        mean: of each channel, in pixels, RGB or grey.
        std: likewise.
        swap: whether the network takes BGR; pixels are RGB all the same.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, mean: list[float], std: list[float], swap: bool = False
    ) -> None:
        super().__init__()
        self.network = network
        self.swap = swap
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Classify ``pixels`` (N, C, H, W) in [0, 255], RGB or grey, of any number type."""
        inputs = (pixels.float() - self.mean) / self.std
        return logits_of(self.network(inputs.flip(1) if self.swap else inputs))


@dataclass
class TrainedStudent:
    """A student as a checkpoint has it.

    Args:
        network: gives logits, or a container with them, of normalised images; in eval mode.
        config: of the network, without the weights that it began with.
        state: the weights, with the keys of the network's own library.
        mean: pixel mean of each channel, RGB or grey.
        std: likewise.
        image_shape: (channels, height, width).
        resize: mmpretrain's transforms that bring a file's image to that size.
        classes: names of the classes in their order, or None where nothing says them.
        record: what is known of how it was made; strings, numbers and dicts of them.
        memory: the run's synthetic images (N, C, H, W) uint8, RGB or grey; None without.
        swap: whether the network takes BGR; mean, std and images are RGB all the same.
    """

    network: nn.Module
    config: ConfigDict
    state: dict[str, Tensor]
    mean: list[float]
    std: list[float]
    image_shape: tuple[int, int, int]
    resize: list[dict[str, Any]]
    classes: tuple[str, ...] | None
    record: dict[str, Any] = field(default_factory=dict)
    memory: Tensor | None = None
    swap: bool = False

    @property
    def library_model(self) -> nn.Module:
        """The network as its own library made it: timm's or transformers' inside a wrapper."""
        return self.network.model if isinstance(self.network, WRAPPERS) else self.network

    def pixel_classifier(self) -> PixelClassifier:
        """Return the student with its normalisation, in eval mode."""
        return PixelClassifier(self.network, self.mean, self.std, self.swap).eval()

    @torch.no_grad()
    def num_classes(self) -> int:
        """Return the number of its logits."""
        return self.pixel_classifier()(torch.zeros(2, *self.image_shape)).size(1)


def load_student(cfg: Config, checkpoint: str | Path) -> TrainedStudent:
    """Read the student of a run, or a published one; neither its teacher nor data are needed.

    Args:
        cfg: a run's config, or OUT.py of ``mmdfkd publish``.
        checkpoint: a checkpoint of that run, or OUT.pth.

    Raises:
        FileNotFoundError: if the checkpoint is not there.
        ValueError: if it holds no such student, or NaN; or if the config does not say how
            images are normalised, or more is done to them.
    """
    content = read_checkpoint(checkpoint, 'give one that mmdfkd train wrote')
    weights = find_weights(content, checkpoint)
    given = content.get('meta') if isinstance(content, Mapping) else None
    meta: dict = dict(given) if isinstance(given, Mapping) else {}
    of_run = 'student' in cfg.get('model', {})
    if not of_run and 'image_shape' not in meta:
        raise ValueError(
            f'{cfg.filename} should be the config of a run, with model.student, or of a published '
            'student, but is neither; give both files of mmdfkd publish, or a run’s'
        )
    described = cfg.model.student.network if of_run else cfg.model.copy()
    preprocessor = cfg.model.get('data_preprocessor')
    described.pop('data_preprocessor', None)
    student = _of_student(weights, checkpoint) if of_run else weights
    check_finite(student, checkpoint, 'the run had diverged; give an earlier checkpoint')
    network, own = _without_foreign_weights(described)
    if cfg.get('default_scope'):  # of its short names, also in a file of the student alone
        own.setdefault('_scope_', cfg.default_scope)
    student = _load(network, student, checkpoint)
    shape = _shape_of_run(cfg, weights) if of_run else tuple(meta['image_shape'])
    mean, std, swap = _normalisation(preprocessor, shape, of_run)
    memory = weights.get('memory.images')
    if memory is not None:
        memory = memory[: int(weights['memory.num_added.count'])]
    trained = TrainedStudent(
        network=network.eval(),
        config=own,
        state=student,
        mean=mean,
        std=std,
        image_shape=shape,
        resize=resize_of(cfg, shape),
        classes=_names(meta) or (_teachers_names(cfg) if of_run else None),
        record=record_of(cfg, checkpoint, weights, meta) if of_run else meta['record'],
        memory=memory,
        swap=swap,
    )
    if trained.classes and len(trained.classes) != trained.num_classes():
        return replace(trained, classes=None)  # of what the teacher was before its fine-tuning
    return trained


def _of_student(weights: dict[str, Tensor], checkpoint: str | Path) -> dict[str, Tensor]:
    student = {k.removeprefix(PREFIX): v for k, v in weights.items() if k.startswith(PREFIX)}
    if not student:
        raise ValueError(
            f'{checkpoint} should hold keys that begin with {PREFIX!r}, but got '
            f'{list(weights)[:3]}; give a checkpoint that mmdfkd train wrote for a distiller'
        )
    return student


def _without_foreign_weights(config: ConfigDict) -> tuple[nn.Module, ConfigDict]:
    """Build a network without what it began with: pretrained weights would be downloaded."""
    own = deepcopy(config)
    drop_weights(own)
    with only_safe_loads():
        return MODELS.build(own.copy()), own


def _load(network: nn.Module, student: dict, checkpoint: str | Path) -> dict[str, Tensor]:
    """Load strictly; returns the weights with the keys of the network's own library."""
    if isinstance(network, WRAPPERS):
        student = {key.removeprefix('model.'): value for key, value in student.items()}
    try:
        network.load_state_dict(student)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} should hold the config’s student, a {type(network).__name__}, but got '
            f'{error}; give the config that the run has in its work dir'
        ) from error
    return student


def _shape_of_run(cfg: Config, weights: dict[str, Tensor]) -> tuple[int, int, int]:
    images = weights.get('memory.images')
    if images is not None:
        return tuple(images.shape[1:])  # type: ignore[return-value]
    return image_shape_of(MODELS.build(cfg.model.generator))  # a method without a memory has one


def _normalisation(
    preprocessor: Any, shape: tuple[int, int, int], of_run: bool
) -> tuple[list, list, bool]:
    """Return mean and std of each channel, RGB or grey, and whether the network takes BGR.

    Images of a run are RGB, and ``to_rgb`` turns them to BGR; those of a published student are
    BGR, as mmpretrain reads files, and ``to_rgb`` turns them to RGB. A trial shows that there is
    no more to it.
    """
    channels, known = shape[0], preprocessor or {}
    mean, std = list(known.get('mean') or [0.0]), list(known.get('std') or [1.0])
    mean, std = (numbers * (channels // len(numbers)) for numbers in (mean, std))
    swap = channels == 3 and bool(known.get('to_rgb')) == of_run
    if swap:
        mean, std = mean[::-1], std[::-1]
    pixels = (torch.rand(2, *shape) * 255).round()
    if preprocessor is not None:
        given = pixels if of_run or channels != 3 else pixels.flip(1)
        theirs = MODELS.build(preprocessor)({'inputs': given})['inputs']
        ours = PixelClassifier(nn.Identity(), mean, std, swap)(pixels)
        if theirs.shape == ours.shape and torch.allclose(theirs, ours, atol=1e-4):
            return mean, std, swap
    raise ValueError(
        'model.data_preprocessor should subtract a mean and divide by a std, and no more, for '
        f'images {shape}, but got {dict(preprocessor or {})}; give the config that the run has in '
        'its work dir'
    )


def _names(meta: Mapping) -> tuple[str, ...] | None:
    of_data = meta.get('dataset_meta')
    names = of_data.get('classes') if isinstance(of_data, Mapping) else None
    return tuple(str(name) for name in names) if names else None


def _teachers_names(cfg: Config) -> tuple[str, ...] | None:
    """Return the names that the teacher's file has, as MMEngine's checkpoints do, if it is here."""
    file = str(cfg.model.teacher.get('checkpoint') or '')
    if not file or ('://' in file and not file.startswith('file://')):
        return None
    try:
        content = read_checkpoint(file)
    except FileNotFoundError:
        return None
    meta = content.get('meta') if isinstance(content, Mapping) else None
    return _names(meta) if isinstance(meta, Mapping) else None
