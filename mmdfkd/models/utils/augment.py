"""What an augmentation of a batch on the device is: each sample is changed on its own.

Every image is changed as its own ``draws`` say, numbers uniform in [0, 1): whoever
keeps them can make the very view again.
"""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn


class Augmentation(BaseModule, metaclass=ABCMeta):
    """Base of the augmentations.

    Attributes:
        num_draws: numbers K that one image's change takes.
    """

    num_draws: int

    @abstractmethod
    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Change pixels (N, C, H, W) as ``draws`` (N, K) in [0, 1) say; shape and range stay."""

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise a ValueError if nothing may be left of images of ``shape`` (C, H, W)."""


class Compose(nn.ModuleList):
    """Augmentations one after the other; the draws are theirs in a row.

    Raises:
        ValueError: if one of them is no augmentation.
    """

    def __init__(self, augments: Sequence[Augmentation] = ()) -> None:
        for augment in augments:
            if not isinstance(getattr(augment, 'num_draws', None), int):
                raise ValueError(
                    'augment should be of augmentations, as ShiftFlip or RandomAffine, but got '
                    f'{augment!r}; give their configs'
                )
        super().__init__(augments)
        self.shares = [augment.num_draws for augment in augments]
        self.num_draws = sum(self.shares)

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise a ValueError if nothing may be left of images of ``shape`` (C, H, W)."""
        for augment in self:
            if isinstance(augment, Augmentation):
                augment.check_shape(shape)

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Change pixels (N, C, H, W) as ``draws`` (N, num_draws) say."""
        for augment, own in zip(self, draws.split(self.shares, dim=1), strict=True):
            images = augment(images, own)
        return images
