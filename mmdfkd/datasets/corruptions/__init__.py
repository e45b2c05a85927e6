"""The 15 common corruptions of CIFAR-10-C, for images of about 32 pixels.

Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, ICLR 2019. The constants are those of CIFAR-10-C's published script; ImageNet-C's
are others, for 224 pixels, and leave little of a 32-pixel image. Families with chance in them
draw other numbers than the published files did.
"""

import zlib
from collections.abc import Callable

import numpy as np

from .blur import defocus_blur, glass_blur, motion_blur, zoom_blur
from .digital import contrast, elastic_transform, jpeg_compression, pixelate
from .noise import gaussian_noise, impulse_noise, shot_noise
from .weather import brightness, fog, frost, snow

__all__ = ['CORRUPTIONS', 'SEVERITIES', 'check_corruption', 'corrupt']

SEVERITIES = (1, 2, 3, 4, 5)

#: CIFAR-10-C's families: a function of ``(image, rng, *constants)``, and the constants of
#: severities 1 to 5.
CORRUPTIONS: dict[str, tuple[Callable[..., np.ndarray], tuple[tuple, ...]]] = {
    'gaussian_noise': (gaussian_noise, ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,))),
    'shot_noise': (shot_noise, ((500,), (250,), (100,), (75,), (50,))),
    'impulse_noise': (impulse_noise, ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,))),
    'defocus_blur': (defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    'glass_blur': (
        glass_blur,
        ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    ),
    'motion_blur': (motion_blur, ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))),
    'zoom_blur': (
        zoom_blur,
        ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    ),
    'snow': (
        snow,
        (
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
    ),
    'frost': (frost, ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))),
    'fog': (fog, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    'brightness': (brightness, ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,))),
    'contrast': (contrast, ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,))),
    'elastic_transform': (
        elastic_transform,
        ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    ),
    'pixelate': (pixelate, ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,))),
    'jpeg_compression': (jpeg_compression, ((80,), (65,), (58,), (50,), (40,))),
}


def check_corruption(name: str, severity: int) -> None:
    """Raise a ValueError unless ``name`` is a family and ``severity`` one of 1 to 5."""
    if name not in CORRUPTIONS:
        raise ValueError(f'corruption should be one of {", ".join(CORRUPTIONS)}, but got {name!r}')
    if severity not in SEVERITIES:
        raise ValueError(f'severity should be a whole number from 1 to 5, but got {severity!r}')


def corrupt(
    image: np.ndarray, name: str, severity: int, index: int = 0, seed: int = 0
) -> np.ndarray:
    """Corrupt an image; the result depends on the arguments alone.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3) uint8, RGB.
        name: a family of :data:`CORRUPTIONS`.
        severity: from 1, weak, to 5.
        index: the image's place in its data set. Images of the same index, family, severity
            and seed get the same noise.
        seed: for other noise.

    Returns:
        An array like ``image``, which stays as it is.

    Raises:
        ValueError: for an unknown family or severity, or another shape or type of image.
        ImportError: for frost, if its photographs are not installed.

    Examples:
        >>> white = np.full((32, 32, 3), 255, dtype=np.uint8)
        >>> bool((corrupt(white, 'gaussian_noise', severity=5) < 255).any())
        True
    """
    check_corruption(name, severity)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in _CHANNELS:
        raise ValueError(
            'image should be (H, W), (H, W, 1) or (H, W, 3) of uint8, '
            f'but got {image.shape} of {image.dtype}'
        )
    function, constants = CORRUPTIONS[name]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), severity, index])
    pixels = image.reshape(*image.shape[:2], -1) / 255
    corrupted = function(pixels, rng, *constants[severity - 1])
    # The published script cuts fractions off, too.
    return (corrupted.clip(0, 1) * 255).astype(np.uint8).reshape(image.shape)


_CHANNELS = ((), (1,), (3,))
