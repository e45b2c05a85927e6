"""Contrast, elastic distortion, coarse pixels and JPEG's artefacts."""

from io import BytesIO

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image

from .blur import gaussian


def to_pil(image: np.ndarray) -> Image.Image:
    """Turn (H, W, 1 or 3) in [0, 1] into a PIL image, grey or RGB."""
    pixels = np.round(image * 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def from_pil(picture: Image.Image) -> np.ndarray:
    """Turn a PIL image, grey or RGB, into (H, W, 1 or 3) in [0, 1]."""
    pixels = np.asarray(picture) / 255
    return pixels[..., None] if pixels.ndim == 2 else pixels


def contrast(image: np.ndarray, rng: Generator, factor: float) -> np.ndarray:
    """Bring each channel's values nearer to their mean, to ``factor`` of the distance."""
    mean = image.mean((0, 1), keepdims=True)
    return (image - mean) * factor + mean


def elastic_transform(
    image: np.ndarray, rng: Generator, strength: float, sigma: float, jitter: float
) -> np.ndarray:
    """Warp by a random affine map, then by a smooth random field.

    Args:
        image: the image.
        rng: draws the map and the field.
        strength: of the field before it is smoothed, in shares of the image's side.
        sigma: of the Gaussian that smoothes it, likewise.
        jitter: how far the affine map moves three points at most, likewise.
    """
    height, width = image.shape[:2]
    side = min(height, width)
    image = _random_affine(image, rng, jitter * side)
    dx, dy = (
        strength
        * side
        * gaussian(rng.uniform(-1, 1, (height, width)), sigma * side, 3, cv2.BORDER_REFLECT)
        for _ in range(2)
    )
    return _displace(image, dx, dy, margin=int(np.ceil(strength * side)) + 1)


def _displace(image: np.ndarray, dx: np.ndarray, dy: np.ndarray, margin: int) -> np.ndarray:
    """Read (H, W, C) linearly at places ``dx`` right and ``dy`` down, less than ``margin``."""
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode='symmetric')
    rows, columns = np.indices(image.shape[:2]) + np.stack([dy, dx]) + margin
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    above = (1 - right) * padded[top, left] + right * padded[top, left + 1]
    below = (1 - right) * padded[top + 1, left] + right * padded[top + 1, left + 1]
    return (1 - down) * above + down * below


def _random_affine(image: np.ndarray, rng: Generator, jitter: float) -> np.ndarray:
    height, width = image.shape[:2]
    centre, reach = np.array([width, height]) // 2, min(height, width) // 3
    corners = centre + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = corners + rng.uniform(-jitter, jitter, size=corners.shape)
    matrix = cv2.getAffineTransform(corners.astype(np.float32), moved.astype(np.float32))
    warped = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return warped.reshape(image.shape)


def pixelate(image: np.ndarray, rng: Generator, factor: float) -> np.ndarray:
    """Shrink by ``factor`` and enlarge again, by boxes."""
    picture = to_pil(image)
    small = (int(picture.width * factor), int(picture.height * factor))
    coarse = picture.resize(small, Image.Resampling.BOX)
    return from_pil(coarse.resize(picture.size, Image.Resampling.BOX))


def jpeg_compression(image: np.ndarray, rng: Generator, quality: int) -> np.ndarray:
    """Store and read the image as a JPEG file of ``quality`` (1 to 95)."""
    file = BytesIO()
    to_pil(image).save(file, 'JPEG', quality=quality)
    return from_pil(Image.open(file))
