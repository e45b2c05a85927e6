import pytest
import torch

from mmdfkd.models.utils import RandomErase, RandomSymmetry, ShiftFlip
from mmdfkd.models.utils.augmentations import (
    random_erase,
    random_flip,
    random_shift,
    random_symmetry,
)


def apply(augment, images):
    """Augment with new draws."""
    return augment(images, torch.rand(len(images), augment.num_draws))


def draws(images, num):
    return torch.rand(len(images), num)


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
    results = random_shift(images, pad, draws(images, 2))
    assert results.shape == images.shape
    found = [offsets_of(*pair, pad) for pair in zip(images, results, strict=True)]
    assert all(len(offsets) == 1 for offsets in found)
    assert len({offsets[0] for offsets in found}) > 3 * pad


def test_every_offset_occurs_about_as_often():
    image = torch.rand(1, 1, 3, 3)
    results = random_shift(image.expand(1800, 1, 3, 3), 1, torch.rand(1800, 2))
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
    assert torch.equal(random_shift(images, 0, draws(images, 2)), images)
    assert torch.equal(apply(ShiftFlip(pad=0, flip=False), images), images)


def test_about_half_of_the_images_are_mirrored_left_to_right():
    images = torch.rand(400, 2, 3, 4)
    results = random_flip(images, draws(images, 1))
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
    results = apply(ShiftFlip(pad, flip), images)
    assert results.shape == shape
    assert results.dtype == images.dtype
    assert results.min() >= 0
    assert results.max() <= images.max()


def test_flip_off_never_mirrors():
    images = torch.rand(64, 1, 4, 4)
    assert torch.equal(apply(ShiftFlip(pad=0, flip=False), images), images)
    assert not torch.equal(apply(ShiftFlip(pad=0, flip=True), images), images)


@pytest.mark.parametrize('width', [4, 5])
def test_a_symmetric_image_is_one_of_its_halves_and_its_reflection(width):
    images = torch.rand(400, 2, 3, width)
    results = random_symmetry(images, 0.75, draws(images, 2))
    half = width // 2
    kinds = {'left': 0, 'right': 0, 'as it was': 0}
    for image, result in zip(images, results, strict=True):
        left = [image[..., min(x, width - 1 - x)] for x in range(width)]
        right = [image[..., max(x, width - 1 - x)] for x in range(width)]
        options = {'left': torch.stack(left, -1), 'right': torch.stack(right, -1)}
        [kind] = [k for k, v in (options | {'as it was': image}).items() if torch.equal(v, result)]
        kinds[kind] += 1
        if width % 2:
            assert torch.equal(result[..., half], image[..., half])
    assert 70 < kinds['as it was'] < 130
    assert 110 < kinds['left'] < 190
    assert 110 < kinds['right'] < 190


def test_the_probability_of_symmetry_is_checked():
    with pytest.raises(ValueError, match=r'probability should be .*, but got 1\.5'):
        RandomSymmetry(1.5)
    images = torch.rand(6, 1, 4, 4)
    assert torch.equal(apply(RandomSymmetry(0.0), images), images)


def blanked_boxes(num=400, height=8, width=6):
    """Which pixels of ``num`` images of 7 random_erase(probability=1) has blanked."""
    return (
        random_erase(
            torch.full((num, 2, height, width), 7.0), 1.0, fill=3.0, draws=torch.rand(num, 6)
        )
        == 3
    )


def is_box(mask):
    """Whether the True pixels of a mask (H, W) fill a rectangle."""
    rows, columns = mask.any(1), mask.any(0)
    whole = all(contiguous(line.nonzero().flatten()) for line in (rows, columns))
    return whole and torch.equal(mask, rows[:, None] & columns[None])


def contiguous(places):
    return len(places) == 0 or int(places[-1] - places[0]) + 1 == len(places)


def test_erased_pixels_are_a_box_or_all_but_a_box():
    masks = blanked_boxes()
    assert torch.equal(masks[:, 0], masks[:, 1])
    insides = [is_box(mask) for mask in masks[:, 0]]
    outsides = [is_box(~mask) for mask in masks[:, 0]]
    assert all(inside or outside for inside, outside in zip(insides, outsides, strict=True))
    assert sum(insides) > 150
    assert sum(outsides) > 150


def test_pixels_are_erased_about_as_often_everywhere():
    shares = blanked_boxes(4000).float().mean((0, 1))
    assert shares.min() > 0.2
    assert shares.max() < 0.6


def test_the_share_of_images_that_lose_something():
    images = torch.rand(2000, 1, 8, 8) + 1
    untouched = (random_erase(images, 0.25, 0.0, draws(images, 6)) == images).flatten(1).all(1)
    assert 0.72 < untouched.float().mean() < 0.85
    assert torch.equal(apply(RandomErase(probability=0.0), images), images)
    assert apply(RandomErase(probability=1.0, fill=5.0), images).max() == 5


@pytest.mark.parametrize('argument', [dict(probability=1.5), dict(fill=-1.0)])
def test_erase_arguments_are_checked(argument):
    name, value = next(iter(argument.items()))
    with pytest.raises(ValueError, match=rf'{name} should be .*, but got {value}'):
        RandomErase(**argument)
