"""Real images, described once and kept on disk by their content."""

import hashlib
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, get_dist_info, is_main_process
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.checks import check_not_negative, check_positive
from mmdfkd.datasets.channel_order import warn_of_bgr
from mmdfkd.datasets.labels import check_dataset
from mmdfkd.outputs import Output
from mmdfkd.registry import DATASETS

from .feature_sample import FeatureSample, merged

#: Of the files; it changes with what they hold.
_FORMAT = 3


def collate(items: list[dict]) -> tuple[Tensor, Tensor]:
    """Stack items to images (N, C, H, W) uint8 and labels (N,), -1 where there is none.

    Raises:
        ValueError: if an image is not uint8 or has several labels, or the images differ in
            their shapes.
    """
    images = [item['inputs'] for item in items]
    found = sorted({f'{tuple(image.shape)} {image.dtype}' for image in images})
    if len(found) > 1 or images[0].dtype != torch.uint8:
        raise ValueError(
            'real images should be uint8 tensors (C, H, W) of one size, but got '
            f'{", ".join(found)}; end their pipeline with a resize or crop to one size and '
            'PackInputs, without normalisation'
        )
    labels = [item['data_samples'].get('gt_label') for item in items]
    several = [k for k in labels if k is not None and torch.as_tensor(k).numel() != 1]
    if several:
        raise ValueError(
            'real images should have one label each, or none, but got one with '
            f'{torch.as_tensor(several[0]).tolist()}; give a data set of one class an image'
        )
    return torch.stack(images), torch.tensor([-1 if k is None else int(k) for k in labels])


class RealImages:
    """A data set of real images, of which each process reads its share.

    Args:
        dataset: the data set or its config; items are ``dict(inputs=(C, H, W) uint8 RGB,
            data_samples=...)``, the data samples with a ``gt_label`` if they have a class.
        batch_size: images read at a time.
        num_workers: processes that read them, besides the present one.

    Raises:
        ValueError: if the data set is empty.
    """

    def __init__(self, dataset: Any, batch_size: int = 50, num_workers: int = 0) -> None:
        check_positive(batch_size=batch_size)
        check_not_negative(num_workers=num_workers)
        dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if not len(dataset):
            raise ValueError(
                'a data set of real images should have images, but got an empty '
                f'{type(dataset).__name__}; check its data_root, data_prefix and split'
            )
        self.dataset: Dataset = dataset
        self.length = len(dataset)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self._warned = False

    def __len__(self) -> int:
        return self.length

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape (C, H, W) of the first image."""
        return tuple(collate([self.dataset[0]])[0].shape[1:])

    def check_fit(self, distiller: Any, with_labels: bool = True) -> None:
        """Raise a ValueError if they are not of a distiller's shape or classes; warn of BGR."""
        self.check_shape(tuple(distiller.image_shape))
        if with_labels:
            names = getattr(distiller.teacher, 'class_names', None)
            check_dataset(self.dataset, distiller.num_classes, 'evaluation', names)
        if not self._warned:
            warn_of_bgr(self.dataset, 'evaluation')
        self._warned = True

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ValueError if the images are not of the synthetic ones' shape (C, H, W)."""
        if self.shape != shape:
            raise ValueError(
                f'real images should be of the synthetic ones’ shape (C, H, W) {shape}, but got '
                f'{self.shape}; change the pipeline of the real data set'
            )

    def subset(self, number: int, seed: int = 0) -> 'RealImages':
        """Draw ``number`` of the images, or take all if there are no more."""
        if number >= self.length:
            return self
        draws = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(self.length, generator=draws)[:number].sort().values
        part = Subset(self.dataset, chosen.tolist())
        return RealImages(part, self.batch_size, self.num_workers)

    def batches(self, doing: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Read this process's share: images (N, C, H, W) uint8 and labels (N,)."""
        rank, world_size = get_dist_info()
        loader = DataLoader(
            Subset(self.dataset, range(rank, self.length, world_size)),
            self.batch_size,
            num_workers=self.num_workers,
            collate_fn=collate,
            generator=torch.Generator(),  # iterating draws a seed, not from the run's own
        )
        quiet = rank > 0 or not sys.stdout.isatty()
        yield from track(loader, doing, total=len(loader), disable=quiet)

    def digest(self) -> str:
        """Hash shapes, pixels and labels of all images in their order, with SHA-256."""
        share = []
        for images, labels in self.batches('Reading real images'):
            for image, label in zip(images, labels.tolist(), strict=True):
                head = f'{tuple(image.shape)} {label} '.encode()
                share.append(hashlib.sha256(head + image.numpy().tobytes()).digest())
        world_size = get_dist_info()[1]
        whole = [b''] * self.length
        for rank, part in enumerate(all_gather_object(share)):
            whole[rank::world_size] = part
        return hashlib.sha256(b''.join(whole)).hexdigest()

    def describe(
        self,
        extractor: Any,
        max_samples: int,
        per_class: bool,
        device: torch.device,
        cache_dir: str | None = None,
    ) -> FeatureSample:
        """Describe the images by an extractor's features, or find what is known of them.

        Args:
            extractor: module (N, C, H, W) pixels -> Prediction, with a ``protocol`` that
                names its weights.
            max_samples: features kept.
            per_class: whether to describe each class too.
            device: the extractor's.
            cache_dir: folder of what is known; None keeps nothing.

        Raises:
            ValueError: if a file in the folder is damaged, or labels are wanted and missing.
        """
        if cache_dir is None:
            return self._describe(extractor, max_samples, per_class, device)
        kind = f'{_FORMAT} {extractor.protocol} {max_samples} {per_class} {self.digest()}'
        path = Path(cache_dir) / f'{hashlib.sha256(kind.encode()).hexdigest()[:32]}.pth'
        known: list[Any] = [_read(path) if is_main_process() and path.is_file() else None]
        broadcast_object_list(known)
        if known[0] is not None:
            return merged(known, max_samples)
        whole = self._describe(extractor, max_samples, per_class, device)
        if is_main_process():
            state = whole.state_dict()
            Output(path, force=True).save(lambda part: torch.save(state, part))
        return whole

    def _describe(
        self, extractor: Any, max_samples: int, per_class: bool, device: torch.device
    ) -> FeatureSample:
        share = FeatureSample(max_samples)
        for images, labels in self.batches('Describing real images'):
            if per_class and (labels < 0).any():
                raise ValueError(
                    'real images should have labels for per_class=True, but got some without; '
                    'give a labelled data set, or set per_class=False'
                )
            prediction = extractor(images.to(device).float())
            share.update(prediction, labels.to(device) if per_class else None)
        state = share.state_dict() if len(share) else None
        return merged([part for part in all_gather_object(state) if part], max_samples)


def _read(path: Path) -> dict:
    try:
        return read_checkpoint(path)
    except ValueError as error:
        raise ValueError(
            f'{path} should hold statistics of real images, but reading it raised '
            f'{type(error).__name__}; delete it, and they are computed again'
        ) from error
