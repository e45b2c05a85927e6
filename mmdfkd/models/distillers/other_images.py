"""A floor: distillation on images of anything, from a folder."""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmdfkd.datasets.image_files import find_images, read_image
from mmdfkd.registry import MODELS

from .floor import FloorDistiller


@MODELS.register_module()
class OtherImages(FloorDistiller):
    """The student learns what the teacher says of images of other things.

    Every round brings a batch of them, drawn with replacement, into the memory: one that is drawn
    again counts again in ``num_images``. The folder is read when training begins: to evaluate or
    publish a student takes none.

    Args:
        root: folder of images, or of one folder of images a class as torchvision's
            ``ImageFolder`` has them; the classes are not used.
        **kwargs: see :class:`DataFreeDistiller`; ``memory`` should be given.
    """

    def __init__(self, root: str | Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(root, str | Path):
            raise ValueError(f'root should be the path of a folder of images, but got {root!r}')
        self.root = root

    @cached_property
    def files(self) -> list[Path]:
        """The images of the folder, in order; raises what :func:`find_images` does."""
        return find_images(self.root)

    def check_ready(self) -> None:
        """Find the images, and read the first."""
        read_image(self.files[0], self.image_shape)

    def new_images(self, num: int, device: torch.device) -> Tensor:
        """Read images; see the base."""
        chosen = torch.randint(len(self.files), (num,)).tolist()
        images = [read_image(self.files[index], self.image_shape) for index in chosen]
        return torch.stack(images).to(device)
