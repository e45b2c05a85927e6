"""Snow, frost, fog and bright light."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from .blur import central_zoom, move

FROST_PHOTOGRAPHS = ('frost1.png', 'frost2.png', 'frost3.png', 'frost4.jpg', 'frost5.jpg')


def snow(
    image: np.ndarray,
    rng: Generator,
    mean: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: int,
    sigma: float,
    keep: float,
) -> np.ndarray:
    """Whiten the image and add flakes that fall from two opposite sides.

    Args:
        image: the image.
        rng: draws flakes and their direction.
        mean: of the normal noise that makes the flakes.
        scale: its standard deviation.
        zoom: the flakes' size.
        threshold: weaker noise is no flake.
        radius: half the pixels of a flake's way.
        sigma: of the weights along it, in pixels.
        keep: weight of the image in its mean with a whitened one.
    """
    flakes = rng.normal(size=image.shape[:2], loc=mean, scale=scale)
    flakes = central_zoom(flakes[..., None], zoom)
    flakes[flakes < threshold] = 0
    flakes = move(flakes.clip(0, 1), radius, sigma, rng.uniform(-135, -45))
    flakes = np.round(flakes * 255) / 255
    grey = image if image.shape[2] == 1 else image @ np.array([[0.299], [0.587], [0.114]])
    whitened = keep * image + (1 - keep) * np.maximum(image, grey * 1.5 + 0.5)
    return whitened + flakes + np.rot90(flakes, k=2)


@cache
def frost_photograph(name: str, side: int) -> np.ndarray:
    """Return a photograph of frost as (H, W, 3) RGB in [0, 1], at a fifth of its size.

    It is made larger only where ``side`` pixels would not fit in. The package
    imagecorruptions-imaug brings the authors' photographs; its code is not run.

    Raises:
        ImportError: if the package is not installed.
    """
    package = find_spec('imagecorruptions')
    if package is None or package.origin is None:
        raise ImportError(
            'frost should find its photographs in the package imagecorruptions-imaug, but it '
            "is not installed; pip install 'mmdfkd[robustness]', or leave frost out"
        )
    photograph = cv2.imread(str(Path(package.origin).parent / 'frost' / name))
    assert photograph is not None
    factor = max(0.2, 1.1 * side / min(photograph.shape[:2]))
    return cv2.resize(photograph, (0, 0), fx=factor, fy=factor)[..., ::-1] / 255


def frost(image: np.ndarray, rng: Generator, keep: float, weight: float) -> np.ndarray:
    """Add ``weight`` times a random part of a photograph to ``keep`` times the image."""
    height, width, channels = image.shape
    name = FROST_PHOTOGRAPHS[rng.integers(len(FROST_PHOTOGRAPHS))]
    photograph = frost_photograph(name, max(height, width))
    top = rng.integers(photograph.shape[0] - height)
    left = rng.integers(photograph.shape[1] - width)
    part = photograph[top : top + height, left : left + width]
    if channels == 1:
        part = part @ np.array([[0.299], [0.587], [0.114]])
    return keep * image + weight * part


def height_map(side: int, rng: Generator, decay: float) -> np.ndarray:
    """Draw a cloudy map (side, side) in [0, 1] by the diamond-square algorithm.

    Args:
        side: a power of two; the map goes on periodically.
        rng: draws the displacements.
        decay: its square divides them from scale to scale.
    """
    heights = np.zeros((side, side))
    step, displacement = side, 1.0
    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        beside = corners + np.roll(corners, -1, 0)
        heights[half::step, half::step] = _displaced(
            beside + np.roll(beside, -1, 1), rng, displacement
        )
        centres = heights[half::step, half::step]
        above = centres + np.roll(centres, 1, 0) + corners + np.roll(corners, -1, 1)
        heights[::step, half::step] = _displaced(above, rng, displacement)
        left = centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 0)
        heights[half::step, ::step] = _displaced(left, rng, displacement)
        step, displacement = half, displacement / decay**2
    heights -= heights.min()
    return heights / heights.max()


def _displaced(sums: np.ndarray, rng: Generator, displacement: float) -> np.ndarray:
    return sums / 4 + displacement * rng.uniform(-1, 1, sums.shape)


def fog(image: np.ndarray, rng: Generator, thickness: float, decay: float) -> np.ndarray:
    """Add clouds of up to ``thickness``, and darken the sum to the image's own maximum."""
    height, width = image.shape[:2]
    side = 1 << (max(height, width) - 1).bit_length()
    clouds = height_map(side, rng, decay)[:height, :width, None]
    brightest = image.max()
    return (image + thickness * clouds) * brightest / (brightest + thickness)


def brightness(image: np.ndarray, rng: Generator, amount: float) -> np.ndarray:
    """Add ``amount`` to the value V of HSV: hue and saturation stay."""
    value = image.max(2, keepdims=True)
    brighter = (value + amount).clip(0, 1)
    return np.where(value > 0, image * brighter / np.maximum(value, 1e-12), brighter)
