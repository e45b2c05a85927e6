"""Augmentation of a batch on the device, each sample on its own."""

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
