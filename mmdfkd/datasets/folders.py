"""mmpretrain's data sets of image folders, with an error that says what should be there."""

from pathlib import Path
from typing import Any

from mmpretrain import datasets

from mmdfkd.registry import DATASETS


class _ExplainedFolder:
    """Turns a folder that is missing or empty into an error that says what to put there."""

    ann_file: str
    img_prefix: str

    def __init__(self, *args: Any, how_to_get: str = '', **kwargs: Any) -> None:
        self.how_to_get = how_to_get
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Return one ``dict(img_path=..., gt_label=int)`` an image.

        Raises:
            FileNotFoundError: if the folder is not there, has no images, or not as many
                folders of them as there are classes.
        """
        try:
            return super().load_data_list()  # type: ignore[misc]
        except (OSError, RuntimeError, AssertionError) as error:
            if self.ann_file:  # then it is the list, not the folder, that could not be read
                raise
            missing = isinstance(error, FileNotFoundError)
            found = 'there is no such folder' if missing else str(error).rstrip('.')
            how = f' ({self.how_to_get})' if self.how_to_get else ''
            raise FileNotFoundError(
                f'{Path(self.img_prefix).resolve()} should have one folder of images a class, '
                f"but: {found}; put them there{how}, or set the data set's data_root"
            ) from error


@DATASETS.register_module()
class ImageFolder(_ExplainedFolder, datasets.CustomDataset):
    """Images in one folder a class; arguments as in mmpretrain's ``CustomDataset``.

    Args:
        how_to_get: how a user gets the images, for the error if they are not there.
    """


@DATASETS.register_module()
class ImageNet(_ExplainedFolder, datasets.ImageNet):
    """ImageNet-1k, as folders of classes or with a list; arguments as in mmpretrain's.

    Args:
        how_to_get: how a user gets the images, for the error if they are not there.
    """
