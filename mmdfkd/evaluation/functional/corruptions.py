"""Corruptions of pixels, to see where two classifiers part."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur


def add_noise(images: Tensor, std: float, draws: Sequence[np.random.Generator]) -> Tensor:
    """Add Gaussian noise of ``std`` to pixels (N, C, H, W) in [0, 255], of a generator each."""
    noise = np.stack([draw.standard_normal(images.shape[1:], np.float32) for draw in draws])
    return (images + std * torch.from_numpy(noise).to(images.device)).clamp(0, 255)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Blur images (N, C, H, W) by a Gaussian of ``sigma`` pixels, out to three of them."""
    side = 2 * round(3 * sigma) + 1
    return gaussian_blur(images, [side, side], [sigma, sigma])
