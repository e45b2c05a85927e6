"""mmpretrain's MNIST, Fashion-MNIST and CIFAR data sets, with an error that helps offline users."""

from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmpretrain import datasets

from mmdfkd.registry import DATASETS

_FOLDERS = (
    "or take folders of images: add, as the last line of the config's read_base(), "
    '"from ._base_.datasets.{folder} import *" (a dot more a folder), or in teachers/ '
    'and students/ "from .._base_.datasets.{folder}_train import *"'
)


def is_test(split: str, test_mode: bool | None) -> bool:
    """Tell whether a split is the test images.

    Args:
        split: what chooses the images.
        test_mode: what mmpretrain's configs may say of it besides; None says nothing.

    Raises:
        ValueError: if ``test_mode`` says otherwise than ``split``.
    """
    if test_mode not in (None, split == 'test'):
        raise ValueError(
            f'test_mode should be {split == "test"} or left out with split={split!r}, which alone '
            f'chooses the images, but got {test_mode!r}; set split'
        )
    return split == 'test'


class _Explained:
    """Turns a failed download into an error that says what to put where."""

    how_to_get: str
    data_prefix: dict

    def load_data_list(self) -> list[dict]:
        """Return one ``dict(img=(H, W[, 3]) uint8, gt_label=int)`` an image.

        Raises:
            FileNotFoundError: if the files are not there and cannot be downloaded.
        """
        root = Path(self.data_prefix['root'])
        existed = root.exists()
        try:
            return super().load_data_list()  # type: ignore[misc]
        except (URLError, OSError, RuntimeError, AssertionError) as error:
            if not existed and root.is_dir() and not any(root.iterdir()):
                root.rmdir()  # a failed download's, which would be in the way of a link
            name = type(self).__name__
            raise FileNotFoundError(
                f'the files of {name} should be in {root.resolve()}, but: {error}; '
                + self.how_to_get.format(root=root)
            ) from error


@DATASETS.register_module()
class MNIST(_Explained, datasets.MNIST):
    """MNIST from its four ``*-ubyte`` files; arguments as in mmpretrain's ``MNIST``.

    mmpretrain 1.2 chooses the files by ``test_mode`` alone, so that its
    ``split='test'`` gives the training images; here ``split`` is what counts.

    Raises:
        ValueError: if ``test_mode`` is given and says otherwise than ``split``.
    """

    how_to_get = (
        'mmdfkd prepare-mnist brings them there (--from-pngs DIR makes them from '
        'folders train/0 ... test/9 of PNG files)'
    )

    def __init__(
        self, data_root: str, split: str = 'train', test_mode: bool | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_root, split=split, test_mode=is_test(split, test_mode), **kwargs)


@DATASETS.register_module()
class FashionMNIST(_Explained, datasets.FashionMNIST):
    """Fashion-MNIST from its four ``*-ubyte`` files; ``split`` counts, as in :class:`MNIST`."""

    how_to_get = (
        'unpack the four *-ubyte.gz files of zalandoresearch/fashion-mnist there; Debian’s package '
        'dataset-fashion-mnist has them in /usr/share/datasets/fashion-mnist'
    )

    def __init__(
        self, data_root: str, split: str = 'train', test_mode: bool | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_root, split=split, test_mode=is_test(split, test_mode), **kwargs)


@DATASETS.register_module()
class CIFAR10(_Explained, datasets.CIFAR10):
    """CIFAR-10 from its python pickles; arguments as in mmpretrain's ``CIFAR10``."""

    how_to_get = (
        'put the unpacked cifar-10-batches-py of cifar-10-python.tar.gz there, '
        + _FOLDERS.format(folder='cifar10_folder')
    )


@DATASETS.register_module()
class CIFAR100(_Explained, datasets.CIFAR100):
    """CIFAR-100 from its python pickles; arguments as in mmpretrain's ``CIFAR100``."""

    how_to_get = (
        'put the unpacked cifar-100-python of cifar-100-python.tar.gz there, '
        + _FOLDERS.format(folder='cifar100_folder')
    )
