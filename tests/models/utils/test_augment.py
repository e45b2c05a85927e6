"""What holds for every augmentation, and for several in a row."""

import pytest
import torch

from mmdfkd.models.utils import Compose, RandomAffine, RandomErase, RandomSymmetry, ShiftFlip


@pytest.mark.parametrize(
    'augment',
    [ShiftFlip(), RandomAffine(), RandomAffine(stretch=1.5), RandomErase(1.0), RandomSymmetry(1.0)],
)
def test_the_same_draws_make_the_same_view_of_each_image(augment):
    images, numbers = torch.rand(8, 3, 12, 12), torch.rand(8, augment.num_draws)
    views = augment(images, numbers)
    assert not torch.equal(views, images)
    order = torch.randperm(8)
    torch.testing.assert_close(augment(images[order], numbers[order]), views[order])


def test_composed_augmentations_take_the_draws_in_a_row():
    shift, erase = ShiftFlip(2), RandomErase(0.7)
    images, numbers = torch.rand(8, 3, 12, 12), torch.rand(8, 9)
    expected = erase(shift(images, numbers[:, :3]), numbers[:, 3:])
    assert torch.equal(Compose([shift, erase])(images, numbers), expected)
    assert torch.equal(Compose()(images, numbers[:, :0]), images)
