"""Data sets to evaluate synthetic images with: held-out latents, and the memory's slots."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmdfkd.checks import check_not_negative, check_positive
from mmdfkd.registry import DATASETS


@DATASETS.register_module()
class LatentDataset(Dataset):
    """Latents that no training step has seen, and classes to synthesise from them.

    An item depends on seed and index alone, so that figures of two checkpoints are of the
    same latents, and evaluation leaves the random state of a run as it is. Any C
    consecutive labels, from a multiple of C on, hold each class once, in random order.

    Args:
        num_classes: number of classes C.
        length: number of samples.
        latent_dim: size of a latent, the generator's.
        seed: of latents and labels.

    Raises:
        ValueError: if ``length`` is not positive.
    """

    def __init__(self, num_classes: int, length: int, latent_dim: int, seed: int = 0) -> None:
        check_positive(num_classes=num_classes, length=length, latent_dim=latent_dim)
        check_not_negative(seed=seed)
        self.num_classes = num_classes
        self.length = length
        self.latent_dim = latent_dim
        self.seed = seed
        turns = -(-length // num_classes)
        order = np.random.default_rng(seed).random((turns, num_classes)).argsort(axis=1)
        self.labels = order.flatten()[:length].tolist()
        self.metainfo: dict = {}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor | int]:
        """Return ``{'latent': (latent_dim,) float32, 'label': int}``."""
        if not 0 <= index < self.length:
            raise IndexError(f'index should be in [0, {self.length}), but got {index}')
        # Not torch's generator: it keeps 32 bits of a seed, too few for seed and index.
        draw = np.random.default_rng((self.seed, index))
        latent = draw.standard_normal(self.latent_dim, dtype=np.float32)
        return {'latent': torch.from_numpy(latent), 'label': self.labels[index]}


@DATASETS.register_module()
class MemoryDataset(Dataset):
    """The slots of a distiller's memory of images, in order.

    Args:
        length: number of slots, at most the images that the memory holds.

    Raises:
        ValueError: if ``length`` is not positive.
    """

    def __init__(self, length: int) -> None:
        if length < 1:
            raise ValueError(
                'the memory should hold images, but it is empty; take a checkpoint of a later '
                'round, or live samples of the generator'
            )
        self.length = length
        self.metainfo: dict = {}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, int]:
        """Return ``{'slot': index}``."""
        if not 0 <= index < self.length:
            raise IndexError(f'index should be in [0, {self.length}), but got {index}')
        return {'slot': index}
