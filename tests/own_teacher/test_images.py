"""What a teacher takes, of its library's words and the user's."""

import pytest

from mmdfkd.own_teacher import Found
from mmdfkd.own_teacher.images import find_images


@pytest.mark.parametrize(
    ('mean', 'std', 'dark'),
    [
        ([33], [78], True),  # MNIST
        ([73], [90], True),  # Fashion-MNIST
        ([120, 120, 120], [60, 60, 60], False),
        ([0], [255], None),
        ([127.5], [127.5], None),
        ([0, 0, 0], [1, 1, 1], False),
        ([127.5] * 3, [127.5] * 3, False),
    ],
)
def test_std_over_the_mean_says_that_most_pixels_are_black(mean, std, dark):
    found = Found('own', {}, image_size=8)
    assert find_images(found, None, mean, std).dark is dark
    assert find_images(found, None, mean, std, not dark).dark is (not dark)


def test_mean_and_std_that_are_given_are_rgb_also_of_a_network_that_takes_bgr():
    swapped, plain = (
        find_images(Found('mmpretrain', {}, image_size=8, swap=swap), None, [3, 2, 1], [6, 5, 4])
        for swap in (True, False)
    )
    assert (plain.mean, plain.std) == ([3, 2, 1], [6, 5, 4])
    assert (swapped.mean, swapped.std) == ([1, 2, 3], [4, 5, 6])  # BGR, as to_rgb leaves images
    found = Found('mmpretrain', {}, image_size=8, mean=[7, 8, 9], std=[1, 1, 1], swap=True)
    assert find_images(found, None, None, [6, 5, 4]).mean == [7, 8, 9]  # its own is BGR already


def test_grey_images_have_no_order_of_channels():
    found = Found('mmpretrain', {}, image_size=8, swap=True, channels=1)
    assert not find_images(found, None, [33], [78]).swap
