"""mmpretrain's data sets of image folders, with an error that says what should be there."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from mmengine.fileio import get_file_backend, list_from_file
from mmengine.logging import print_log
from mmpretrain import datasets
from mmpretrain.datasets.custom import find_folders, get_samples
from PIL import Image
from torchvision.datasets.folder import IMG_EXTENSIONS

from mmdfkd.registry import DATASETS

from .image_files import UNREADABLE


class _ExplainedFolder:
    """Turns a folder that is missing or empty into an error that says what to put there."""

    CLASSES: Any
    _metainfo: dict
    ann_file: str
    img_prefix: str
    with_label: bool
    is_valid_file: Any

    def __init__(self, *args: Any, how_to_get: str = '', **kwargs: Any) -> None:
        self.how_to_get = how_to_get
        kwargs.setdefault('extensions', IMG_EXTENSIONS)
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Return one ``dict(img_path=..., gt_label=int)`` an image.

        Raises:
            FileNotFoundError: if the folder is not there, has no images, or not as many
                folders of them as there are classes.
            ValueError: if a folder is empty, or some of ``classes`` have none.
        """
        try:
            return self._listed() if self.ann_file else super().load_data_list()  # type: ignore[misc]
        except (OSError, RuntimeError, AssertionError, ValueError) as error:
            if self.ann_file:  # then it is the list, not the folder, that could not be read
                kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
                raise kind(
                    f'ann_file should be a text of lines "FILE LABEL", but {self.ann_file} raised '
                    f'{type(error).__name__}: {error}; mend it'
                ) from error
            if isinstance(error, ValueError):
                raise
            missing = isinstance(error, FileNotFoundError)
            found = 'there is no such folder' if missing else str(error).rstrip('.')
            how = f' ({self.how_to_get})' if self.how_to_get else ''
            raise FileNotFoundError(
                f'{Path(self.img_prefix).resolve()} should have one folder of images a class, '
                f"but: {found}; put them there{how}, or set the data set's data_root"
            ) from error

    def _listed(self) -> list[dict]:
        """Read ``ann_file``; mmpretrain takes a mark of byte order and blank lines for names."""
        lines = list_from_file(self.ann_file, encoding='utf-8-sig')
        backend = get_file_backend(self.img_prefix, enable_singleton=True)
        found = []
        for line in filter(str.strip, lines):
            info: dict = {}
            if self.with_label:
                line, label = line.strip().rsplit(' ', 1)
                info = {'gt_label': int(label)}
            found.append({'img_path': backend.join_path(self.img_prefix, line)} | info)
        return found

    def prepare_data(self, idx: int) -> Any:
        """Return a sample through the pipeline.

        Raises:
            ValueError: naming an image that cannot be read, or that the pipeline refuses.
        """
        try:
            return super().prepare_data(idx)  # type: ignore[misc]
        except (*UNREADABLE, AssertionError, cv2.error) as error:
            path = self.get_data_info(idx).get('img_path')  # type: ignore[attr-defined]
            what, mend = 'be an image that can be read', 'mend it or take it away'
            if isinstance(error, ValueError):  # Pillow's, or a transform's
                what, mend = 'go through the pipeline', 'mend the image, or the pipeline'
            raise ValueError(f'{path} should {what}, but: {error}; {mend}') from error

    def _find_samples(self) -> list[tuple[str, int]]:
        """List (file, label): labels are places in ``classes`` where these are the folders.

        Otherwise the folders are sorted, those that are all numbers as numbers. Hidden ones
        are passed over.
        """
        if not self.with_label:
            return super()._find_samples()  # type: ignore[misc]
        found = [name for name in find_folders(self.img_prefix)[0] if not name.startswith('.')]
        # A command line makes numbers of such names.
        classes = [str(name) for name in self.CLASSES] if self.CLASSES is not None else None
        names = in_order(found, classes, self.img_prefix)
        labels = {name: label for label, name in enumerate(names)}
        samples, empty = get_samples(self.img_prefix, labels, self.is_valid_file)
        if samples and empty:
            raise ValueError(
                f'each folder of {self.img_prefix} should hold images of a class, but '
                f'{sorted(empty)[:5]} of {len(names)} folders hold none; put them there, or take '
                'those folders away'
            )
        self.folder_to_idx = labels
        if classes is None:
            self._metainfo['classes'] = tuple(names)
        elif len(classes) != len(names):
            raise RuntimeError(
                f'the number of subfolders ({len(names)}) doesn’t match the number of specified '
                f'classes ({len(classes)})'
            )
        if not samples:
            raise RuntimeError(f'Found 0 files in subfolders of: {self.img_prefix}')
        _warn_of_left_out(self.img_prefix, self.is_valid_file)
        return samples


def _warn_of_left_out(place: str, is_read: Callable[[str], bool]) -> None:
    """Warn of images whose ending is none of those that are read."""
    endings = Image.registered_extensions()
    files = (name for _, _, names in os.walk(place) for name in names if not name.startswith('.'))
    left = [name for name in files if Path(name).suffix.lower() in endings and not is_read(name)]
    if left:
        print_log(
            f'{len(left)} images below {place} are left out, {left[0]} among them, as they end in '
            'none of the data set’s extensions; convert them, or give extensions',
            logger='current',
            level=logging.WARNING,
        )


def in_order(folders: list[str], classes: list[str] | None, place: str) -> list[str]:
    """Return the folders as labels count them.

    Args:
        folders: the names that are there.
        classes: the names of the classes; other words than the folders' name them only.
        place: where the folders are.

    Raises:
        ValueError: if some classes have a folder of their name and others have none.
    """
    if classes is not None and set(classes) & set(folders):
        missing, strange = set(classes) - set(folders), set(folders) - set(classes)
        if missing or strange:
            raise ValueError(
                f'{place} should have a folder for each of classes={classes[:20]}, but '
                f'{sorted(missing)[:5]} have none and {sorted(strange)[:5]} are none of them; '
                'mend the folders or classes'
            )
        return classes
    if not all(re.fullmatch(r'[0-9]+', name) for name in folders):
        return sorted(folders)
    numbered = sorted(folders, key=lambda name: (int(name), name))
    if numbered != sorted(folders):
        print_log(
            f'the folders of {place} are sorted as numbers, {numbered[:3]} ..., where torchvision '
            'and mmpretrain sort letters; if the teacher learned that order, give '
            f'classes={sorted(folders)[:3]} ... of this data set',
            logger='current',
            level=logging.WARNING,
        )
    return numbered


@DATASETS.register_module()
class ImageFolder(_ExplainedFolder, datasets.CustomDataset):
    """Images in one folder a class; arguments as in mmpretrain's ``CustomDataset``.

    ``extensions`` are torchvision's by default, ``.webp`` and ``.tiff`` among them.

    ``classes=[...]`` of the folders' names says their order; without it they are sorted.

    Args:
        how_to_get: how a user gets the images, for the error if they are not there.
    """


@DATASETS.register_module()
class ImageNet(_ExplainedFolder, datasets.ImageNet):
    """ImageNet-1k, as folders of classes or with a list; arguments as in mmpretrain's.

    Args:
        how_to_get: how a user gets the images, for the error if they are not there.
    """
