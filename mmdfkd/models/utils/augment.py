"""Augmentation of a batch on the device, each sample on its own."""

import math

import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.registry import MODELS


def random_shift(images: Tensor, pad: int) -> Tensor:
    """Pad by ``pad`` pixels of 0 and crop each image (N, C, H, W) back at its own place."""
    num, _, height, width = images.shape
    padded = F.pad(images, (pad, pad, pad, pad))
    offsets = torch.randint(2 * pad + 1, (2, num, 1), device=images.device)
    rows = (offsets[0] + torch.arange(height, device=images.device))[:, None, :, None]
    columns = (offsets[1] + torch.arange(width, device=images.device))[:, None, None, :]
    samples = torch.arange(num, device=images.device)[:, None, None, None]
    channels = torch.arange(images.size(1), device=images.device)[None, :, None, None]
    return padded[samples, channels, rows, columns]


def random_flip(images: Tensor) -> Tensor:
    """Mirror each image (N, C, H, W) left to right with probability 1/2."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


@MODELS.register_module()
class ShiftFlip(BaseModule):
    """Random crop after padding, and random mirror: CIFAR's usual augmentation.

    Args:
        pad: pixels of padding on each side; 0 for no shift.
        flip: mirror half of the images.
    """

    def __init__(self, pad: int = 4, flip: bool = True) -> None:
        super().__init__()
        self.pad = pad
        self.flip = flip

    def forward(self, images: Tensor) -> Tensor:
        """Augment pixels (N, C, H, W); shape and range stay."""
        if self.pad:
            images = random_shift(images, self.pad)
        return random_flip(images) if self.flip else images


def random_affine(images: Tensor, shift: float, degrees: float, scale: float) -> Tensor:
    """Shift, rotate and scale each image (N, C, H, W) on its own; edges are repeated.

    Each is uniform: in +-``shift`` pixels, +-``degrees`` and 1 +-``scale``.
    """
    num, side = len(images), images.size(-1)
    draws = torch.rand(4, num, device=images.device) * 2 - 1
    angles, factors = draws[0] * math.radians(degrees), 1 + draws[1] * scale
    cos, sin = angles.cos() * factors, angles.sin() * factors
    moves = draws[2:] * 2 * shift / side  # affine_grid's image is 2 wide
    matrices = torch.stack([cos, -sin, moves[0], sin, cos, moves[1]], dim=1).view(num, 2, 3)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode='border', align_corners=False)


@MODELS.register_module()
class RandomAffine(BaseModule):
    """Random shift, rotation and scale of each image, for digits and the like.

    Args:
        shift: largest shift in pixels.
        degrees: largest rotation.
        scale: largest relative change of size.
    """

    def __init__(self, shift: float = 2.0, degrees: float = 10.0, scale: float = 0.1) -> None:
        super().__init__()
        self.shift = shift
        self.degrees = degrees
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        """Augment pixels (N, C, H, W) of square images; shape and range stay."""
        return random_affine(images, self.shift, self.degrees, self.scale)


def random_erase(images: Tensor, probability: float, fill: float) -> Tensor:
    """Blank a box of each image (N, C, H, W), or all but a box, with a probability.

    Half of the boxes are blanked: their sides are uniform in 0 to 1 of the image's. Of
    the others (sides 1/2 to 3/2) only the inside is kept. Centres are uniform.
    """
    num, _, height, width = images.shape
    inside = images.new_ones(num, 1, 1, 1, dtype=torch.bool)
    erase_inside = torch.rand(num, 1, 1, 1, device=images.device) < 0.5
    for shape in ((num, 1, height, 1), (num, 1, 1, width)):
        side = max(shape[2:])
        centres = torch.rand(num, 1, 1, 1, device=images.device) * side
        sides = torch.rand(num, 1, 1, 1, device=images.device) + torch.where(erase_inside, 0, 0.5)
        places = torch.arange(side, device=images.device).view(1, 1, *shape[2:]) + 0.5
        inside = inside & ((places - centres).abs() < sides * side / 2)
    chosen = torch.rand(num, 1, 1, 1, device=images.device) < probability
    return images.masked_fill(chosen & (inside == erase_inside), fill)


@MODELS.register_module()
class RandomErase(BaseModule):
    """After random erasing (Zhong et al., AAAI 2020), and its reverse: keep one box only.

    A generator fills its images to the edge: the student should know sparse ones, too.

    Args:
        probability: share of the images that a box is drawn for, in [0, 1].
        fill: the pixel that is left there, in [0, 255]: the background, if there is one.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(self, probability: float = 0.5, fill: float = 0.0) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ValueError(f'probability should be in [0, 1], but got {probability}')
        if not 0 <= fill <= 255:
            raise ValueError(f'fill should be a pixel in [0, 255], but got {fill}')
        self.probability = probability
        self.fill = fill

    def forward(self, images: Tensor) -> Tensor:
        """Augment pixels (N, C, H, W); shape and range stay."""
        return random_erase(images, self.probability, self.fill)
