"""Noise of a camera's sensor and of broken pixels."""

import numpy as np
from numpy.random import Generator


def gaussian_noise(image: np.ndarray, rng: Generator, scale: float) -> np.ndarray:
    """Add normal noise of standard deviation ``scale``."""
    return image + rng.normal(size=image.shape, scale=scale)


def shot_noise(image: np.ndarray, rng: Generator, photons: float) -> np.ndarray:
    """Count ``photons`` on average where the image is white: Poisson noise."""
    return rng.poisson(image * photons) / photons


def impulse_noise(image: np.ndarray, rng: Generator, amount: float) -> np.ndarray:
    """Set a share ``amount`` of the values to 0 or 1, as often the one as the other."""
    hit = rng.uniform(size=image.shape) < amount
    salt = rng.uniform(size=image.shape) < 0.5
    return np.where(hit, salt, image)
