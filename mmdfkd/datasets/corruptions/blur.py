"""Blur of the lens, of frosted glass and of movement."""

from functools import cache

import cv2
import numpy as np
from numpy.random import Generator


def gaussian(
    image: np.ndarray, sigma: float, truncate: float = 4, border: int = cv2.BORDER_REPLICATE
) -> np.ndarray:
    """Blur (H, W, C) by a Gaussian of ``sigma`` pixels, cut off at ``truncate`` sigmas."""
    width = 2 * int(truncate * sigma + 0.5) + 1
    return cv2.GaussianBlur(image, (width, width), sigma, borderType=border).reshape(image.shape)


def central_zoom(image: np.ndarray, factor: float) -> np.ndarray:
    """Enlarge the middle of (H, W, C) by ``factor`` to the same size, linearly."""
    rows, columns = (_zoom_weights(side, factor) for side in image.shape[:2])
    return (rows @ image.transpose(2, 0, 1) @ columns.T).transpose(1, 2, 0)


@cache
def _zoom_weights(side: int, factor: float) -> np.ndarray:
    """Weights (side, side) of the old pixels in each new one; the corners' centres stay."""
    inner = int(np.ceil(side / factor))
    zoomed = round(inner * factor)
    kept = (zoomed - side) // 2 + np.arange(side)
    places = (side - inner) // 2 + kept * (inner - 1) / (zoomed - 1)
    return np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))


def move(image: np.ndarray, radius: int, sigma: float, degrees: float) -> np.ndarray:
    """Smear (H, W, C) in one direction, with weights of half a Gaussian; edges are repeated.

    Args:
        image: the image.
        radius: half the pixels of the way.
        sigma: of the Gaussian, in pixels.
        degrees: the direction, 0 to the left and 90 up.
    """
    steps = np.arange(2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    down, right = (
        np.ceil(steps * part - 0.5).astype(int)
        for part in (np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees)))
    )
    rows = (np.arange(image.shape[0]) + down[:, None]).clip(0, image.shape[0] - 1)
    columns = (np.arange(image.shape[1]) + right[:, None]).clip(0, image.shape[1] - 1)
    return np.einsum('k,khwc->hwc', weights, image[rows[:, :, None], columns[:, None, :]])


def defocus_blur(image: np.ndarray, rng: Generator, radius: float, alias_blur: float) -> np.ndarray:
    """Blur by a disc of ``radius`` pixels, itself blurred by a Gaussian of ``alias_blur``."""
    reach = max(8, int(radius))
    offsets = np.arange(-reach, reach + 1)
    disc = (offsets**2 + offsets[:, None] ** 2 <= radius**2).astype(np.float64)
    size = (3, 3) if radius <= 8 else (5, 5)
    kernel = cv2.GaussianBlur(disc / disc.sum(), ksize=size, sigmaX=alias_blur)
    return cv2.filter2D(image, -1, kernel).reshape(image.shape)


def glass_blur(
    image: np.ndarray, rng: Generator, sigma: float, reach: int, rounds: int
) -> np.ndarray:
    """Blur, let each pixel take the place of a neighbour up to ``reach`` away, and blur.

    The neighbour stays where it is as well, as in the published files: there a swap of two
    views of one array copies.
    """
    height, width, channels = image.shape
    blurred = (gaussian(image, sigma) * 255).astype(np.uint8)
    places = np.arange(height * width).reshape(height, width)
    places = places[height - reach : reach : -1, width - reach : reach : -1]
    dx, dy = np.moveaxis(rng.integers(-reach, reach, size=(rounds, *places.shape, 2)), -1, 0)
    neighbours = places + dy * width + dx
    source = list(range(height * width))
    for of_round in neighbours:
        for place, neighbour in zip(
            places.ravel().tolist(), of_round.ravel().tolist(), strict=True
        ):
            source[place] = source[neighbour]
    shuffled = blurred.reshape(-1, channels)[source].reshape(image.shape)
    return gaussian(shuffled / 255, sigma)


def motion_blur(image: np.ndarray, rng: Generator, radius: int, sigma: float) -> np.ndarray:
    """Smear in a direction within 45 degrees of the horizontal."""
    return move(image, radius, sigma, rng.uniform(-45, 45))


def zoom_blur(image: np.ndarray, rng: Generator, end: float, step: float) -> np.ndarray:
    """Average the image with itself enlarged by 1, 1 + ``step``, ... and less than ``end``."""
    factors = np.arange(1, end, step).tolist()
    return (image + sum(central_zoom(image, factor) for factor in factors)) / (len(factors) + 1)
