import pytest
import torch

from mmdfkd.models.utils import (
    RandomAffine,
    RandomErase,
    RandomResizedCrop,
    RandomSymmetry,
    ShiftFlip,
)
from mmdfkd.models.utils.augmentations import (
    random_affine,
    random_erase,
    random_flip,
    random_resized_crop,
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


def test_an_affine_change_of_nothing_changes_nothing():
    images = torch.rand(3, 2, 6, 6)
    torch.testing.assert_close(random_affine(images, 0, 0, 0, draws(images, 4)), images)


def test_affine_changes_keep_shape_and_range_and_differ_between_images():
    images = (255 * torch.rand(1, 3, 8, 8)).expand(6, 3, 8, 8)
    results = apply(RandomAffine(), images)
    assert results.shape == images.shape
    assert results.min() >= images.min() - 1e-3
    assert results.max() <= images.max() + 1e-3
    for i in range(5):
        assert not torch.allclose(results[i], results[i + 1])


def centre_of(images):
    """Mean row and column of the mass of each image (N, 1, H, W)."""
    side = torch.arange(images.size(-1), dtype=torch.float)
    mass = images[:, 0] / images.sum((1, 2, 3))[:, None, None]
    return torch.stack([(mass.sum(2) * side).sum(1), (mass.sum(1) * side).sum(1)], 1)


def blob(num, row, column, side=21):
    images = torch.zeros(num, 1, side, side)
    images[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1
    return images


def test_an_affine_shift_is_in_pixels():
    moved = (
        centre_of(
            random_affine(
                blob(200, 10, 10), shift=3.0, degrees=0, scale=0, draws=torch.rand(200, 4)
            )
        )
        - 10
    )
    assert moved.abs().max() <= 3.01
    for extreme in (*moved.amax(0), *-moved.amin(0)):
        assert extreme > 2.7


def test_an_affine_rotation_is_in_degrees_about_the_centre():
    moved = (
        centre_of(
            random_affine(
                blob(200, 10, 16), shift=0, degrees=30.0, scale=0, draws=torch.rand(200, 4)
            )
        )
        - 10
    )
    torch.testing.assert_close(moved.norm(dim=1), torch.full((200,), 6.0), atol=0.05, rtol=0)
    angles = torch.rad2deg(torch.atan2(moved[:, 0], moved[:, 1]))
    assert angles.abs().max() <= 30.5
    assert angles.max() > 27
    assert angles.min() < -27


def test_an_affine_scale_is_about_the_centre():
    moved = (
        centre_of(
            random_affine(
                blob(200, 10, 16), shift=0, degrees=0, scale=0.2, draws=torch.rand(200, 4)
            )
        )
        - 10
    )
    assert moved[:, 0].abs().max() < 0.01
    factors = moved[:, 1] / 6
    assert 1 / 1.21 < factors.min() < 0.87
    assert 1.15 < factors.max() < 1 / 0.79


def test_a_stretch_is_of_width_and_height_on_their_own():
    side = (torch.arange(64) + 0.5) / 32 - 1  # -1 to 1 from edge to edge
    places = torch.stack(torch.meshgrid(side, side, indexing='ij'))
    stretched = random_affine(places.expand(400, 2, 64, 64), 0, 0, 0, torch.rand(400, 6), 1.5)
    # Pixels 16 and 48 from the centre: what is farther away than the edge is its repetition.
    rows = (stretched[:, 0, 40, 32] - stretched[:, 0, 24, 32]) / (side[40] - side[24])
    columns = (stretched[:, 1, 32, 40] - stretched[:, 1, 32, 24]) / (side[40] - side[24])
    for factors in (rows.log(), columns.log()):
        assert -0.406 < factors.min() < -0.37  # log 1.5 is 0.405
        assert 0.37 < factors.max() < 0.406
        assert factors.mean().abs() < 0.05
    assert torch.corrcoef(torch.stack([rows, columns]))[0, 1].abs() < 0.15


def test_without_a_stretch_the_draws_and_views_are_as_before():
    images, numbers = torch.rand(5, 1, 9, 9), torch.rand(5, 6)
    assert RandomAffine().num_draws == 4
    assert RandomAffine(stretch=1.3).num_draws == 6
    plain = random_affine(images, 2.0, 30.0, 0.2, numbers[:, :4])
    numbers[:, 4:] = 0.5  # no change of width and height
    torch.testing.assert_close(random_affine(images, 2.0, 30.0, 0.2, numbers, 1.3), plain)
    with pytest.raises(ValueError, match=r'stretch should be .*, but got 0\.5'):
        RandomAffine(stretch=0.5)


@pytest.mark.parametrize('augment', [RandomAffine(stretch=1.3), RandomResizedCrop()])
def test_views_are_the_same_under_autocast(augment):
    """A label was of another view than the student's, which is made outside of it."""
    images, numbers = torch.rand(4, 3, 16, 16), torch.rand(4, augment.num_draws)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = augment(images, numbers)
        half = augment(images.bfloat16(), numbers)
    assert torch.equal(found, augment(images, numbers))
    assert torch.equal(half, augment(images.bfloat16().float(), numbers))


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


@pytest.mark.parametrize('pad', [(5, 5, 0, 0), (0, 0, 5, 5)])
def test_an_affine_change_of_a_rectangle_is_that_of_its_square(pad):
    images, numbers = blob(20, 8, 14), torch.rand(20, 4)
    expected = random_affine(images, 2.0, 40.0, 0.2, numbers)
    found = random_affine(torch.nn.functional.pad(images, pad), 2.0, 40.0, 0.2, numbers)
    rows, columns = (slice(each or None, -each or None) for each in (pad[2], pad[0]))
    torch.testing.assert_close(found[..., rows, columns], expected, atol=1e-4, rtol=0)


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


def test_a_crop_is_blown_up_to_the_whole():
    image = torch.arange(64.0).view(1, 1, 8, 8)
    whole = random_resized_crop(image, (1.0, 1.0), (1.0, 1.0), torch.rand(1, 4))
    torch.testing.assert_close(whole, image)
    corner = torch.tensor([[0.0, 0.5, 0.0, 1.0]])  # a quarter of the area, at the lower left
    box = image[..., 4:, :4]
    expected = torch.nn.functional.interpolate(box, scale_factor=2.0, mode='bilinear')
    result = random_resized_crop(image, (0.25, 0.25), (1.0, 1.0), corner)
    inner = slice(1, -1)  # at the box's edge its neighbours in the image count, too
    torch.testing.assert_close(result[..., inner, inner], expected[..., inner, inner])


def test_crops_have_the_asked_sizes_and_lie_inside():
    """Of an image that says where its pixels are."""
    side = (torch.arange(64) + 0.5) / 64
    places = torch.stack(torch.meshgrid(side, side, indexing='ij'))
    images = places.expand(500, 2, 64, 64)
    crops = apply(RandomResizedCrop(scale=(0.25, 0.5), ratio=(0.8, 1.25)), images)
    assert crops.min() >= 0
    assert crops.max() <= 1
    heights = (crops[:, 0, -2, 9] - crops[:, 0, 1, 9]) * 64 / 61
    widths = (crops[:, 1, 9, -2] - crops[:, 1, 9, 1]) * 64 / 61
    areas, ratios = widths * heights, widths / heights
    assert 0.245 < areas.min() < 0.27
    assert 0.48 < areas.max() < 0.505
    assert 0.79 < ratios.min() < 0.85
    assert 1.18 < ratios.max() < 1.27
    assert crops.mean((0, 2, 3)).tolist() == pytest.approx([0.5, 0.5], abs=0.02)


@pytest.mark.parametrize(
    'options', [dict(scale=(0, 1)), dict(scale=(0.5, 0.3)), dict(ratio=(2, 1))]
)
def test_a_crop_of_no_size_is_refused(options):
    with pytest.raises(ValueError, match='should be two growing numbers'):
        RandomResizedCrop(**options)


def test_gradients_reach_the_images_through_a_crop():
    images = torch.rand(2, 1, 6, 6, dtype=torch.double, requires_grad=True)
    chosen = torch.rand(2, 4, dtype=torch.double)
    assert torch.autograd.gradcheck(
        lambda x: random_resized_crop(x, (0.25, 1), (1, 1), chosen), images
    )
