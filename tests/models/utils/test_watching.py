import pytest
import torch
from torch import nn

from mmdfkd.models.utils.watching import Watcher, pass_watched


class Outputs(Watcher):
    def __init__(self, layer):
        self.layer = layer
        self.seen = []

    def watch(self):
        return [self.layer.register_forward_hook(lambda *args: self.seen.append(args[2]))]


def test_a_watcher_sees_its_block_alone():
    layer = nn.Linear(2, 3)
    with Outputs(layer) as outputs:
        inside = layer(torch.rand(1, 2))
    layer(torch.rand(1, 2))
    assert [each is inside for each in outputs.seen] == [True]


def test_a_pass_that_fails_leaves_no_hook():
    network = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).train()
    seen = []
    output = pass_watched(network, torch.rand(4, 2), [(network[0], lambda *_: seen.append(1))])
    assert output.shape == (4, 3)
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        pass_watched(network, torch.rand(4, 5), [(network[0], lambda *_: seen.append(1))])
    assert seen == [1]
    assert not network[0]._forward_hooks
    assert network.training
    assert network[1].num_batches_tracked == 0
