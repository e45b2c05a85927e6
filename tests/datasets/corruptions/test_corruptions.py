"""What all families of corruptions share, and what some of them are known to do."""

import importlib.util

import numpy as np
import pytest

from mmdfkd.datasets.corruptions import CORRUPTIONS, SEVERITIES, corrupt

needs_photographs = pytest.mark.skipif(
    importlib.util.find_spec('imagecorruptions') is None,
    reason='the photographs of frost come with imagecorruptions-imaug',
)
NAMES = [
    pytest.param(name, marks=needs_photographs if name == 'frost' else ()) for name in CORRUPTIONS
]
# CIFAR-10-C's other families do not change more and more pixels: glass blur's and frost's
# constants go up and down, and elastic_transform's random map is largest at severity 1.
GROWING = [n for n in CORRUPTIONS if n not in ('glass_blur', 'frost', 'elastic_transform')]


def picture(shape=(32, 32, 3), seed=0):
    """A picture of noisy squares, 5 pixels wide."""
    rng = np.random.default_rng(seed)
    squares = rng.integers(20, 220, size=(10, 10, *shape[2:])).repeat(5, 0).repeat(5, 1)
    noise = rng.integers(-10, 11, size=shape)
    return (squares[: shape[0], : shape[1]] + noise).astype(np.uint8)


def change(name, severity, images=8):
    pictures = [picture(seed=seed) for seed in range(images)]
    return np.mean(
        [
            np.abs(corrupt(image, name, severity, index=i).astype(int) - image).mean()
            for i, image in enumerate(pictures)
        ]
    )


@pytest.mark.parametrize('shape', [(32, 32, 3), (32, 32, 1), (32, 32), (48, 40, 3)])
@pytest.mark.parametrize('name', NAMES)
def test_a_corrupted_image_is_another_image_of_the_same_kind(name, shape):
    image = picture(shape)
    before = image.copy()
    for severity in SEVERITIES:
        corrupted = corrupt(image, name, severity)
        assert corrupted.shape == shape
        assert corrupted.dtype == np.uint8
        assert (corrupted != image).any()
        assert np.abs(corrupted.astype(int) - image).mean() < 100  # and no ruin
        assert (image == before).all()


@pytest.mark.parametrize('name', NAMES)
def test_a_corruption_depends_on_its_arguments_alone(name):
    image = picture()
    np.random.seed(0)
    first = corrupt(image, name, 3, index=7, seed=1)
    corrupt(image, name, 3, index=8)
    np.random.seed(5)
    assert (corrupt(image, name, 3, index=7, seed=1) == first).all()


WITHOUT_CHANCE = {
    'defocus_blur', 'zoom_blur', 'brightness', 'contrast', 'pixelate', 'jpeg_compression'
}  # fmt: skip


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('other', [dict(index=8), dict(seed=2)])
def test_images_and_seeds_have_their_own_chance(name, other):
    given = dict(index=7, seed=1)
    same = corrupt(picture(), name, 3, **given) == corrupt(picture(), name, 3, **(given | other))
    assert same.all() == (name in WITHOUT_CHANCE)


@pytest.mark.parametrize('name', GROWING)
def test_a_severer_corruption_changes_more(name):
    changes = [change(name, severity) for severity in SEVERITIES]
    assert changes == sorted(changes)
    assert changes[-1] > 1.2 * changes[0]


def test_white_noise_has_the_published_size():
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    noise = corrupt(grey, 'gaussian_noise', 5) / 255 - 128 / 255
    assert noise.std() == pytest.approx(0.10, rel=0.02)
    counts = corrupt(grey, 'shot_noise', 5) / 255 * 50  # Poisson: variance equals mean
    assert counts.var() == pytest.approx(128 / 255 * 50, rel=0.03)
    hit = corrupt(grey, 'impulse_noise', 5)
    assert np.isin(hit, [0, 128, 255]).all()
    assert (hit != 128).mean() == pytest.approx(0.07, rel=0.05)
    assert (hit == 255).mean() == pytest.approx(0.035, rel=0.07)


def test_contrast_and_brightness_are_their_formulas():
    image = picture()
    mean = image.mean((0, 1))
    expected = (image - mean) * 0.4 + mean
    np.testing.assert_allclose(corrupt(image, 'contrast', 3), expected, atol=1)
    grey = picture((32, 32))
    np.testing.assert_allclose(
        corrupt(grey, 'brightness', 3), np.minimum(grey + 0.15 * 255, 255), atol=1
    )


@pytest.mark.parametrize('severity', [0, 6, 2.5])
def test_severities_out_of_range_raise(severity):
    with pytest.raises(ValueError, match=f'severity .* from 1 to 5, but got {severity}'):
        corrupt(picture(), 'fog', severity)


def test_an_unknown_family_raises_with_the_list():
    with pytest.raises(ValueError, match=r"gaussian_noise, .*jpeg_compression, but got 'rain'"):
        corrupt(picture(), 'rain', 1)


@pytest.mark.parametrize(
    'image',
    [picture((32, 32, 4)), picture((32, 32, 2)), picture().astype(np.float32), picture()[0, 0]],
)
def test_other_images_raise(image):
    with pytest.raises(ValueError, match=r'image should be \(H, W\), .* of uint8, but got'):
        corrupt(image, 'fog', 1)


def test_frost_without_photographs_raises(monkeypatch):
    from mmdfkd.datasets.corruptions import weather

    monkeypatch.setattr(weather, 'find_spec', lambda name: None)
    weather.frost_photograph.cache_clear()
    with pytest.raises(ImportError, match=r"pip install 'mmdfkd\[robustness\]'"):
        corrupt(picture(), 'frost', 1)
