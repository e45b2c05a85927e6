import pytest
import torch

from mmdfkd.models.utils import ShiftFlip
from mmdfkd.models.utils.augment import random_flip, random_shift


def shifted(image, pad, down, right):
    """One image (C, H, W) padded with 0 and cropped at an offset, pixel by pixel."""
    channels, height, width = image.shape
    result = torch.zeros_like(image)
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                from_y, from_x = y + down - pad, x + right - pad
                if 0 <= from_y < height and 0 <= from_x < width:
                    result[c, y, x] = image[c, from_y, from_x]
    return result


def offsets_of(image, result, pad):
    """All offsets at which the crop of ``image`` is ``result``."""
    span = range(2 * pad + 1)
    return [
        (down, right)
        for down in span
        for right in span
        if torch.equal(shifted(image, pad, down, right), result)
    ]


@pytest.mark.parametrize(('pad', 'shape'), [(1, (2, 4, 3)), (2, (1, 3, 5))])
def test_every_image_is_a_crop_of_its_own_at_its_own_place(pad, shape):
    images = torch.rand(30, *shape)
    results = random_shift(images, pad)
    assert results.shape == images.shape
    found = [offsets_of(*pair, pad) for pair in zip(images, results, strict=True)]
    assert all(len(offsets) == 1 for offsets in found)
    assert len({offsets[0] for offsets in found}) > 3 * pad


def test_every_offset_occurs_about_as_often():
    image = torch.rand(1, 1, 3, 3)
    results = random_shift(image.expand(1800, 1, 3, 3), pad=1)
    counts = {}
    for down in range(3):
        for right in range(3):
            crop = shifted(image[0], 1, down, right)
            counts[down, right] = int((results == crop).flatten(1).all(1).sum())
    assert sum(counts.values()) == 1800
    assert min(counts.values()) > 140
    assert max(counts.values()) < 260


def test_no_padding_is_no_shift():
    images = torch.rand(4, 3, 5, 5)
    assert torch.equal(random_shift(images, 0), images)
    assert torch.equal(ShiftFlip(pad=0, flip=False)(images), images)


def test_about_half_of_the_images_are_mirrored_left_to_right():
    images = torch.rand(400, 2, 3, 4)
    results = random_flip(images)
    mirrored = 0
    for image, result in zip(images, results, strict=True):
        if torch.equal(result, image[:, :, [3, 2, 1, 0]]):
            mirrored += 1
        else:
            assert torch.equal(result, image)
    assert 150 < mirrored < 250


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize('pad', [0, 4])
@pytest.mark.parametrize('shape', [(5, 1, 28, 28), (1, 3, 32, 32), (2, 3, 8, 6)])
def test_shape_range_and_type_stay(pad, flip, shape):
    images = torch.rand(shape) * 255
    results = ShiftFlip(pad, flip)(images)
    assert results.shape == shape
    assert results.dtype == images.dtype
    assert results.min() >= 0
    assert results.max() <= images.max()


def test_flip_off_never_mirrors():
    images = torch.rand(64, 1, 4, 4)
    assert torch.equal(ShiftFlip(pad=0, flip=False)(images), images)
    assert not torch.equal(ShiftFlip(pad=0, flip=True)(images), images)
