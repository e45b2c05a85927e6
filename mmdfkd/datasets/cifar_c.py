"""CIFAR-10-C and CIFAR-100-C from their published files."""

from pathlib import Path

import numpy as np
from mmpretrain.datasets import BaseDataset
from mmpretrain.datasets.categories import CIFAR10_CATEGORIES, CIFAR100_CATEGORIES

from mmdfkd.registry import DATASETS

from .corruptions import check_corruption

NUM_IMAGES = 10_000  # of a severity


@DATASETS.register_module()
class CIFARC(BaseDataset):
    """10,000 corrupted test images of CIFAR-10 or CIFAR-100, in the test set's order.

    Hendrycks and Dietterich, ICLR 2019. The files are numpy arrays: a family's is
    (50000, 32, 32, 3) uint8, RGB, a severity after the other; ``labels.npy`` is (50000,).
    Images are read from the file when they are asked for.

    Args:
        data_root: folder of the files.
        corruption: a family of :data:`mmdfkd.datasets.corruptions.CORRUPTIONS`.
        severity: from 1, weak, to 5.
        pipeline: mmpretrain transforms; images arrive as (32, 32, 3) uint8.

    Raises:
        ValueError: for an unknown family or severity, or arrays of other shapes.
        FileNotFoundError: if the files are not there.
    """

    def __init__(
        self, data_root: str, corruption: str, severity: int, pipeline: tuple | list = ()
    ) -> None:
        check_corruption(corruption, severity)
        self.corruption = corruption
        self.severity = severity
        of_severity = slice((severity - 1) * NUM_IMAGES, severity * NUM_IMAGES)
        shape = (5 * NUM_IMAGES, 32, 32, 3)
        self.images = self._read(Path(data_root), corruption, shape)[of_severity]
        self.labels = self._read(Path(data_root), 'labels', shape[:1])[of_severity]
        super().__init__(
            ann_file='',
            data_root=data_root,
            metainfo={'classes': self._classes()},
            pipeline=pipeline,
            test_mode=True,
            serialize_data=False,
        )

    @staticmethod
    def _read(root: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
        path = root / f'{name}.npy'
        if not path.is_file():
            raise FileNotFoundError(
                f'the array should be at {path}, but no file is there; unpack CIFAR-10-C.tar '
                '(zenodo.org/records/2535967) or CIFAR-100-C.tar (zenodo.org/records/3555552), '
                f'and give as data_root the folder with labels.npy and {name}.npy'
            )
        array = np.load(path, mmap_mode='r', allow_pickle=False)
        if array.shape != shape or array.dtype.kind not in 'iu':
            raise ValueError(
                f'{path} should hold {shape} whole numbers, but got {array.shape} of '
                f'{array.dtype}; unpack the published file anew'
            )
        return array

    def _classes(self) -> list[str]:
        return list(CIFAR10_CATEGORIES if self.labels.max() < 10 else CIFAR100_CATEGORIES)

    def load_data_list(self) -> list[dict]:
        """Return one ``dict(img=(32, 32, 3) uint8, gt_label=int)`` an image."""
        return [
            {'img': image, 'gt_label': int(label)}
            for image, label in zip(self.images, self.labels, strict=True)
        ]
