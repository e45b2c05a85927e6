import copy

import torch
from torch import nn

from mmdfkd.models.utils import move_towards


def test_weights_and_buffers_go_a_share_of_the_way():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = copy.deepcopy(network)
    for value in network.state_dict().values():
        value.add_(4)
    before = {name: value.clone() for name, value in average.state_dict().items()}
    move_towards(average, network, 0.25)
    for name, value in average.state_dict().items():
        step = 4 if 'num_batches' in name else 1
        torch.testing.assert_close(value, before[name] + step)


def test_all_the_way_is_a_copy():
    network, average = nn.Linear(3, 2), nn.Linear(3, 2)
    move_towards(average, network, 1.0)
    assert average.weight.equal(network.weight)
    assert average.weight is not network.weight
