import numpy as np
import torch

from mmdfkd.engine.class_grid import class_grid


def solid(*shades, size=32, channels=3):
    """Images of a single colour each."""
    return torch.tensor(shades).view(-1, 1, 1, 1).expand(-1, channels, size, size).float()


def shades_of(picture, rows, columns, size=32):
    """The shade in the middle of each cell; None of what is not of one grey."""
    left = picture.shape[1] - columns * (size + 2)
    middle = size // 2
    pixels = [
        [picture[row * (size + 2) + middle, left + column * (size + 2) + middle].tolist()
         for column in range(columns)]
        for row in range(rows)
    ]  # fmt: skip
    return [[rgb[0] if len(set(rgb)) == 1 else None for rgb in row] for row in pixels]


def test_a_row_has_the_images_of_its_class_in_their_order():
    images = solid(10, 20.4, 30, 41.5, 50, 300.0)
    labels = torch.tensor([2, 0, 2, 0, 2, 5])
    picture = class_grid(images, labels, [0, 1, 2, 5], list('abcdef'), columns=2)
    assert picture.dtype == np.uint8
    assert picture.shape[0] == 4 * 34 + 2
    assert shades_of(picture, 4, 2) == [[20, 42], [None, None], [10, 30], [255, None]]


def test_a_grey_image_is_as_its_colours():
    labels = torch.tensor([0, 1])
    grey = class_grid(solid(10, 200, channels=1), labels, [0, 1], ['a', 'b'], 1)
    assert (grey == class_grid(solid(10, 200), labels, [0, 1], ['a', 'b'], 1)).all()


def test_small_pixels_are_repeated_and_large_images_reduced():
    image = torch.randint(256, (1, 3, 8, 8)).float()
    labels = torch.tensor([0])
    picture = class_grid(image, labels, [0], ['a'], 1)
    cell = picture[2:34, -34:-2]
    assert (cell[::4, ::4] == image[0].permute(1, 2, 0).numpy()).all()
    assert (cell[3::4, 3::4] == cell[::4, ::4]).all()
    assert class_grid(solid(7, size=960), labels, [0], ['a'], 1).shape[0] == 96 + 4
    assert class_grid(solid(7)[..., :16], labels, [0], ['a'], 1).shape[0] == 34 + 2


def test_names_are_written_beside_the_rows_and_long_ones_cut():
    images, labels = solid(10, 20), torch.tensor([0, 1])
    short = class_grid(images, labels, [0, 1], ['a', 'b'], 1)
    words = class_grid(images, labels, [0, 1], ['airplane', 'b'], 1)
    longest = class_grid(images, labels, [0, 1], ['airplane' * 30, 'b'], 1)
    assert short.shape[1] < words.shape[1] < longest.shape[1] < 300
    for picture in (short, words):
        left = picture[:34, : picture.shape[1] - 34]
        assert left.max() > 200  # letters on a dark ground
        assert (left[:2] == left[0, 0]).all()
