import pytest
import torch
from torch import nn
from torch.nn import functional as F
from width_nets import Residual

from mmdfkd.models.classifiers.channel_groups import channel_groups
from mmdfkd.models.classifiers.student_init import part_of_teacher


def test_groups_follow_sums_branches_and_flattening():
    groups = channel_groups(Residual(6, 4), torch.zeros(1, 3, 4, 4))
    found = sorted(sorted(f'{axis.tensor}:{axis.dim}' for axis in group) for group in groups)
    assert found == [
        [
            'back.bias:0',
            'back.weight:0',
            'branch.weight:1',
            'depthwise.bias:0',
            'depthwise.weight:0',
            'fc.weight:1',
            'norm.bias:0',
            'norm.weight:0',
            'stem.bias:0',
            'stem.weight:0',
        ],
        ['back.weight:1', 'branch.bias:0', 'branch.weight:0'],
    ]


class Moved(nn.Module):
    """Its channels move by something other than weights, or do not."""

    def __init__(self, width, move):
        super().__init__()
        self.a = nn.Conv2d(3, 2 * width, 1)
        self.b = nn.Conv2d(move(torch.zeros(1, 2 * width, 4, 4)).size(1), 5, 1)
        self.move = move

    def forward(self, images):
        return self.b(self.move(self.a(images))).mean((2, 3))


def gated(maps):
    one, other = maps.chunk(2, 1)
    return one * other.sigmoid()


@pytest.mark.parametrize(
    ('move', 'kind'),
    [
        (gated, 'SplitBackward'),
        (lambda maps: F.glu(maps, 1), 'GluBackward'),
        (lambda maps: maps[:, : maps.size(1) // 2], 'SliceBackward'),
        (lambda maps: F.pad(maps, (0,) * 4 + (maps.size(1) // 2,) * 2), 'ConstantPadNdBackward'),
        (lambda maps: maps.repeat(1, 2, 1, 1), 'RepeatBackward'),
        (lambda maps: F.channel_shuffle(maps, 2), 'ChannelShuffleBackward'),
        (lambda maps: maps.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2), 'Transpose'),
        (lambda maps: maps.roll(1, 1), 'RollBackward'),
    ],
)
def test_channels_that_move_without_weights_are_refused(move, kind):
    """Their places in the layer after it are not those of the weights."""
    with pytest.raises(ValueError, match=f'but got a {kind}.* in its graph'):
        part_of_teacher(Moved(4, move), Moved(2, move), torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize('move', [lambda maps: maps[:, :, ::2, ::2], lambda m: F.pad(m, (1,) * 4)])
def test_height_and_width_may_be_sliced_and_padded(move):
    part = part_of_teacher(Moved(4, move), Moved(2, move), torch.zeros(1, 3, 4, 4))
    assert part['b.weight'].shape == (5, 4, 1, 1)
