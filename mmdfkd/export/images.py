"""Images to calibrate and to compare on, and the config's test set where it is on this machine."""

import inspect
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.datasets import CustomDataset
from torch import Tensor
from torch.utils.data import DataLoader, Subset, default_collate

from mmdfkd.datasets import LatentDataset, MemoryDataset
from mmdfkd.datasets.channel_order import reads_bgr
from mmdfkd.datasets.image_files import find_images, read_image
from mmdfkd.datasets.image_set import METADATA
from mmdfkd.datasets.labels import check_dataset, check_labels
from mmdfkd.evaluation.real_images import collate
from mmdfkd.models.distillers import load_distiller
from mmdfkd.registry import DATASETS

from .student import TrainedStudent

BATCH_SIZE = 100


def draw_images(
    student: TrainedStudent, cfg: Config, checkpoint: str | Path, source: Path | None, num: int
) -> tuple[Tensor, str]:
    """Return at most ``num`` different images (N, C, H, W) uint8 in random order, and their name.

    Args:
        student: knows the shape, and the run's images.
        cfg: the run's config; where the run kept no image, its generator makes them.
        checkpoint: likewise.
        source: a folder of images, or an .npz file of ``mmdfkd synthesize``, to be read
            rather than the run's own.
        num: how many.

    Raises:
        FileNotFoundError: if ``source`` is not there.
        ValueError: if there are no images, or of another shape.
    """
    if source is not None:
        images, name = _read(source, student.image_shape, num), source.name
    elif student.memory is not None and len(student.memory):
        images, name = student.memory, 'the run’s memory of synthetic images'
    elif 'student' in cfg.model:
        images, name = _synthesise(cfg, checkpoint, num), 'the run’s generator'
    else:
        raise ValueError(
            '--int8 should have images to calibrate on, but a published student has none; give '
            '--calibrate-on DATA, a folder or .npz that mmdfkd synthesize wrote'
        )
    if len(images) < 20:
        raise ValueError(f'--int8 should have at least 20 images, but got {len(images)} of {name}')
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return images[order[:num]], name


def _read(source: Path, shape: tuple[int, int, int], num: int) -> Tensor:
    if not (source.is_file() if source.suffix == '.npz' else source.is_dir()):
        raise FileNotFoundError(
            '--calibrate-on should be a folder of images, or an .npz file of mmdfkd synthesize, '
            f'but got {source}, where none is'
        )
    if source.suffix != '.npz':
        of_ours = (source / METADATA).is_file()
        files = sorted(source.glob('*/*.png')) if of_ours else find_images(source)
        if not files:
            raise ValueError(f'{source} should hold images, but mmdfkd synthesize wrote none yet')
        files = random.Random(0).sample(files, min(num, len(files)))
        return torch.stack([read_image(file, shape).to(torch.uint8) for file in files])
    try:
        with np.load(source, allow_pickle=False) as content:
            images = torch.from_numpy(content['images'])
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{source} should be a file of mmdfkd synthesize, with images (N, H, W, C), but: '
            f'{error}'
        ) from error
    if images.dtype != torch.uint8 or tuple(images.shape[1:]) != (*shape[1:], shape[0]):
        raise ValueError(
            f'images of {source} should be uint8 and of the shape {(*shape[1:], shape[0])}, but '
            f'got {images.dtype} and {tuple(images.shape[1:])}'
        )
    return images.permute(0, 3, 1, 2)


def _synthesise(cfg: Config, checkpoint: str | Path, num: int) -> Tensor:
    distiller = load_distiller(cfg, checkpoint)
    dataset: Any = distiller.held_out(num)
    parts = []
    for first in range(0, len(dataset), BATCH_SIZE):
        indices = range(first, min(first + BATCH_SIZE, len(dataset)))
        batch = default_collate([dataset[index] for index in indices])
        parts.append(distiller.val_step(batch)[0]['images'].to(torch.uint8))
    return torch.cat(parts)


class LabelledImages:
    """The labelled images of a config's test set, RGB or grey.

    Args:
        cfg: a config with a ``test_dataloader`` or a ``val_dataloader``.
        student: whose images and classes they should be.
        num: at most so many are read, chosen at random.

    Raises:
        FileNotFoundError: if its files are not on this machine; nothing is downloaded.
        ValueError: if it is of other classes or another shape.
    """

    def __init__(self, cfg: Config, student: TrainedStudent, num: int | None = None) -> None:
        config, kind = _labelled_set(cfg)
        if config is None:
            raise FileNotFoundError('the config has no labelled test set')
        self.name = kind.__name__
        if any('download' in inspect.signature(base).parameters for base in kind.__mro__[:-1]):
            config = dict(config, download=False)
        try:
            dataset = DATASETS.build(config)
        except RuntimeError as error:  # mmpretrain's sets raise it of files that are not there
            raise FileNotFoundError(str(error)) from error
        check_dataset(dataset, student.num_classes(), 'test', student.classes)
        self.classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
        chosen = range(len(dataset))
        if num is not None and num < len(dataset):
            chosen = sorted(random.Random(0).sample(chosen, num))  # type: ignore[assignment]
        self.images = Subset(dataset, chosen)  # type: ignore[arg-type]
        self.student = student
        # A published student's config reads files as BGR.
        self.swap = student.image_shape[0] == 3 and reads_bgr(dataset)

    def __len__(self) -> int:
        return len(self.images)

    def check_first(self) -> None:
        """Raise a ValueError if the first image is of another shape than the student's."""
        self._check_shape(collate([self.images[0]])[0])

    def _check_shape(self, pixels: Tensor) -> None:
        if tuple(pixels.shape[1:]) != self.student.image_shape:
            raise ValueError(
                f'test images should be of the shape {self.student.image_shape}, but got '
                f'{tuple(pixels.shape[1:])}; mend the test_dataloader of the config'
            )

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Read pixels (N, C, H, W) uint8 and labels (N,)."""
        for pixels, labels in DataLoader(self.images, BATCH_SIZE, collate_fn=collate):
            self._check_shape(pixels)
            check_labels(labels, self.student.num_classes(), 'test')
            yield pixels.flip(1) if self.swap else pixels, labels


def find_classes(cfg: Config, student: TrainedStudent) -> tuple[str, ...] | None:
    """Return the class names of the config's test set: of its files, or what its kind says."""
    try:
        found = LabelledImages(cfg, student).classes
    except (FileNotFoundError, ImportError):
        config, kind = _labelled_set(cfg)
        found = (config or {}).get('classes') or (getattr(kind, 'METAINFO', None) or {}).get(
            'classes'
        )
    return tuple(found) if found and len(found) == student.num_classes() else None


def _labelled_set(cfg: Config) -> tuple[Any, Any]:
    """Return config and class of the test set, or of the validation set, of real images."""
    for name in ('test_dataloader', 'val_dataloader'):
        config = (cfg.get(name) or {}).get('dataset') or {}
        kind = config.get('type')
        kind = DATASETS.get(kind) if isinstance(kind, str) else kind
        if kind is None or issubclass(kind, LatentDataset | MemoryDataset):
            continue
        if config.keys() - {'type', 'pipeline'} or kind is not CustomDataset:
            return config, kind  # a published student's says how files are read, and names none
    return None, None
