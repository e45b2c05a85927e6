"""The families with ImageNet-C's constants are those of the package imagecorruptions-imaug."""

import warnings

import numpy as np
import pytest
from PIL import Image

from mmdfkd.datasets.corruptions import blur, digital, noise, weather

with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    reference = pytest.importorskip('imagecorruptions.corruptions')

# ImageNet-C's constants of a severity each.
CASES = {
    'gaussian_noise': (noise.gaussian_noise, 2, (0.12,)),
    'shot_noise': (noise.shot_noise, 3, (12,)),
    'defocus_blur': (blur.defocus_blur, 2, (4, 0.5)),
    'defocus_blur far': (blur.defocus_blur, 5, (10, 0.5)),
    'motion_blur': (blur.motion_blur, 2, (15, 5)),
    'zoom_blur': (blur.zoom_blur, 4, (1.26, 0.02)),
    'snow': (weather.snow, 2, (0.2, 0.3, 2, 0.5, 12, 4, 0.7)),
    'fog': (weather.fog, 3, (2.5, 1.7)),
    'brightness': (weather.brightness, 3, (0.3,)),
    'contrast': (digital.contrast, 2, (0.3,)),
    'pixelate': (digital.pixelate, 2, (0.5,)),
    'jpeg_compression': (digital.jpeg_compression, 1, (25,)),
}


class Legacy(np.random.RandomState):
    """numpy's old generator, which the package uses, with the new one's name for integers."""

    integers = np.random.RandomState.randint


def picture():
    rng = np.random.default_rng(0)
    squares = rng.integers(20, 220, size=(13, 13, 3)).repeat(5, 0).repeat(5, 1)[:64, :64]
    return (squares + rng.integers(-10, 11, size=squares.shape)).astype(np.uint8)


@pytest.mark.parametrize('case', CASES)
def test_family_equals_the_package(case):
    function, severity, constants = CASES[case]
    image = picture()
    np.random.seed(1)
    expected = getattr(reference, case.split()[0])(Image.fromarray(image), severity)
    expected = np.asarray(expected).astype(np.uint8).astype(int)
    found = (function(image / 255, Legacy(1), *constants).clip(0, 1) * 255).astype(np.uint8)
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.98
    assert np.abs(expected - image).mean() > 5


@pytest.mark.parametrize('constants', [(0.7, 1, 2), (1, 2, 3), (1.5, 4, 2)])
def test_glass_blur_equals_the_package(constants):
    image = picture()
    blurred = (blur.gaussian(image / 255, constants[0]) * 255).astype(np.uint8)
    shuffle = reference._shuffle_pixels_njit_glass_blur.py_func  # of one generator with ours
    shuffled = shuffle(*image.shape[:2], blurred, constants, 1)
    expected = blur.gaussian(shuffled / 255, constants[0])
    np.testing.assert_allclose(blur.glass_blur(image / 255, Legacy(1), *constants), expected)


def test_the_smooth_field_of_elastic_transform_equals_the_package():
    # ImageNet-C's 64-pixel image: a field of 0.32 pixels, no affine map.
    image = picture()
    np.random.seed(1)
    expected = reference.elastic_transform(Image.fromarray(image), 5) / 255

    class Scaled(Legacy):
        def uniform(self, low, high, size):
            if low == 0:
                return np.zeros(size)  # the affine map's, not to be drawn there
            return super().uniform(-64 * 0.005, 64 * 0.005, size)

    found = digital.elastic_transform(image / 255, Scaled(1), 250 * 0.12 / 64, 0.01, 0)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert np.abs(expected - image / 255).max() > 0.02


def test_gaussian_and_zoom_equal_scipy():
    ndimage = pytest.importorskip('scipy.ndimage')
    image = picture() / 255
    for sigma in (0.05, 0.25, 0.4, 1.5):
        expected = ndimage.gaussian_filter(image, (sigma, sigma, 0), mode='nearest')
        np.testing.assert_allclose(blur.gaussian(image, sigma), expected, atol=1e-7)
    for factor in (1.0, 1.07, 1.25, 2.25):
        inner = int(np.ceil(64 / factor))
        start = (64 - inner) // 2
        middle = image[start : start + inner, start : start + inner]
        zoomed = ndimage.zoom(middle, (factor, factor, 1), order=1)
        start = (len(zoomed) - 64) // 2
        expected = zoomed[start : start + 64, start : start + 64]
        np.testing.assert_allclose(blur.central_zoom(image, factor), expected, atol=1e-9)
