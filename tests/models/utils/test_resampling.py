import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.utils import RandomAffine, RandomResizedCrop
from mmdfkd.models.utils.resampling import affine_grid, random_affine, random_resized_crop


def test_an_affine_change_of_nothing_changes_nothing():
    images = torch.rand(3, 2, 6, 6)
    torch.testing.assert_close(random_affine(images, 0, 0, 0, torch.rand(3, 4)), images)


def test_affine_changes_keep_shape_and_range_and_differ_between_images():
    images = (255 * torch.rand(1, 3, 8, 8)).expand(6, 3, 8, 8)
    results = RandomAffine()(images, torch.rand(6, 4))
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


def moves(column, **change):
    """Where blobs of row 10 and that column are after the change, from the centre of 21 x 21."""
    images = random_affine(blob(200, 10, column), **change, draws=torch.rand(200, 4))
    return centre_of(images) - 10


def test_an_affine_shift_is_in_pixels():
    moved = moves(10, shift=3.0, degrees=0, scale=0)
    assert moved.abs().max() <= 3.01
    for extreme in (*moved.amax(0), *-moved.amin(0)):
        assert extreme > 2.7


def test_an_affine_rotation_is_in_degrees_about_the_centre():
    moved = moves(16, shift=0, degrees=30.0, scale=0)
    torch.testing.assert_close(moved.norm(dim=1), torch.full((200,), 6.0), atol=0.05, rtol=0)
    angles = torch.rad2deg(torch.atan2(moved[:, 0], moved[:, 1]))
    assert angles.abs().max() <= 30.5
    assert angles.max() > 27
    assert angles.min() < -27


def test_an_affine_scale_is_about_the_centre():
    moved = moves(16, shift=0, degrees=0, scale=0.2)
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


@pytest.mark.parametrize('pad', [(5, 5, 0, 0), (0, 0, 5, 5)])
def test_an_affine_change_of_a_rectangle_is_that_of_its_square(pad):
    images, numbers = blob(20, 8, 14), torch.rand(20, 4)
    expected = random_affine(images, 2.0, 40.0, 0.2, numbers)
    found = random_affine(torch.nn.functional.pad(images, pad), 2.0, 40.0, 0.2, numbers)
    rows, columns = (slice(each or None, -each or None) for each in (pad[2], pad[0]))
    torch.testing.assert_close(found[..., rows, columns], expected, atol=1e-4, rtol=0)


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
    crop = RandomResizedCrop(scale=(0.25, 0.5), ratio=(0.8, 1.25))
    crops = crop(images, torch.rand(500, 4))
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


@pytest.mark.parametrize('sides', [(28, 28), (32, 32), (9, 24), (64, 64)])
def test_the_grid_is_torchs(sides):
    matrices = torch.randn(7, 2, 3, generator=torch.Generator().manual_seed(0))
    expected = F.affine_grid(matrices, [7, 1, *sides], align_corners=False)
    torch.testing.assert_close(affine_grid(matrices, *sides), expected, rtol=1e-6, atol=1e-6)
