"""Augmentations that keep pixels as they are: shift and mirror, erasing, symmetry."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.checks import check_below, check_not_negative, check_range, check_switch
from mmdfkd.registry import MODELS

from .augment import Augmentation


def random_shift(images: Tensor, pad: int, draws: Tensor) -> Tensor:
    """Pad by ``pad`` pixels of 0 and crop each image (N, C, H, W) back at its own place."""
    num, _, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad))
    offsets = (draws * (2 * pad + 1)).long().t()[..., None]
    rows = (offsets[0] + torch.arange(height, device=images.device))[:, None, :, None]
    columns = (offsets[1] + torch.arange(width, device=images.device))[:, None, None, :]
    samples = torch.arange(num, device=images.device)[:, None, None, None]
    channels = torch.arange(images.size(1), device=images.device)[None, :, None, None]
    return padded[samples, channels, rows, columns]


def random_flip(images: Tensor, draws: Tensor) -> Tensor:
    """Mirror each image (N, C, H, W) left to right if its draw (N, 1) is under 1/2."""
    return torch.where(draws[..., None, None] < 0.5, images.flip(3), images)


@MODELS.register_module()
class ShiftFlip(Augmentation):
    """Random crop after padding, and random mirror: CIFAR's usual augmentation.

    Args:
        pad: pixels of padding on each side; 0 for no shift.
        flip: mirror half of the images.

    Raises:
        ValueError: if ``pad`` is negative or no whole number, or ``flip`` no switch.
    """

    num_draws = 3

    def __init__(self, pad: int = 4, flip: bool = True) -> None:
        super().__init__()
        check_not_negative(pad=pad)
        check_switch(flip=flip)
        self.pad = pad
        self.flip = flip

    def check_shape(self, shape: Sequence[int]) -> None:
        """Raise a ValueError if an image may be shifted out of sight."""
        check_below(min(shape[1:]), pad=self.pad)

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Shift, then mirror; see the base."""
        if self.pad:
            images = random_shift(images, self.pad, draws[:, :2])
        return random_flip(images, draws[:, 2:]) if self.flip else images


def random_erase(images: Tensor, probability: float, fill: float, draws: Tensor) -> Tensor:
    """Blank a box of each image (N, C, H, W), or all but a box, with a probability.

    Half of the boxes are blanked: their sides are uniform in 0 to 1 of the image's. Of
    the others (sides 1/2 to 3/2) only the inside is kept. Centres are uniform; ``draws``
    are (N, 6).
    """
    chosen, kind, *boxes = draws[..., None, None].split(1, dim=1)
    erase_inside = kind < 0.5
    inside = torch.ones_like(erase_inside)
    for dim, centres, sides in ((2, *boxes[:2]), (3, *boxes[2:])):
        side = images.size(dim)
        places = torch.arange(side, device=images.device) + 0.5
        places = places.view(1, 1, -1, 1) if dim == 2 else places.view(1, 1, 1, -1)
        lengths = (sides + torch.where(erase_inside, 0, 0.5)) * side
        inside = inside & ((places - centres * side).abs() < lengths / 2)
    return images.masked_fill((chosen < probability) & (inside == erase_inside), fill)


@MODELS.register_module()
class RandomErase(Augmentation):
    """After random erasing (Zhong et al., AAAI 2020), and its reverse: keep one box only.

    A generator fills its images to the edge: the student should know sparse ones, too.

    Args:
        probability: share of the images that a box is drawn for, in [0, 1].
        fill: the pixel that is left there, in [0, 255]: the background, if there is one.

    Raises:
        ValueError: if an argument is out of range.
    """

    num_draws = 6

    def __init__(self, probability: float = 0.5, fill: float = 0.0) -> None:
        super().__init__()
        check_range('[0, 1]', probability=probability)
        check_range('[0, 255]', fill=fill)
        self.probability = probability
        self.fill = fill

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Blank boxes; see the base."""
        return random_erase(images, self.probability, self.fill, draws)


def random_symmetry(images: Tensor, probability: float, draws: Tensor) -> Tensor:
    """Make each image (N, C, H, W) its own mirror image, with a probability.

    The left or the right half stays, and the other becomes its reflection. ``draws`` are (N, 2).
    """
    chosen, half = draws[..., None, None, None].unbind(1)
    width = images.size(3)
    is_left = torch.arange(width, device=images.device) < width / 2
    replaced = (chosen < probability) & (is_left == (half < 0.5))
    return torch.where(replaced, images.flip(3), images)


@MODELS.register_module()
class RandomSymmetry(Augmentation):
    """Bilateral symmetry of some images: much of what people photograph has it.

    A teacher without batch norms does not tell a generator so.

    Args:
        probability: share of the images that become symmetric, in [0, 1].

    Raises:
        ValueError: if it is out of range.
    """

    num_draws = 2

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        check_range('[0, 1]', probability=probability)
        self.probability = probability

    def forward(self, images: Tensor, draws: Tensor) -> Tensor:
        """Reflect halves; see the base."""
        return random_symmetry(images, self.probability, draws)
