import torch
from torch import nn

from mmdfkd.models.utils import InstanceMeans


def test_means_are_those_of_each_image(bn_network):
    layers = [layer for layer in bn_network if isinstance(layer, nn.BatchNorm2d)]
    images = torch.rand(3, 3, 6, 6, requires_grad=True)
    with InstanceMeans(layers) as means:
        bn_network(images)
    first = bn_network[0](images)
    second = bn_network[3](bn_network[2](bn_network[1](first)))
    expected = torch.cat([first.mean((2, 3)), second.mean((2, 3))], dim=1)
    torch.testing.assert_close(means.features, expected)
    assert torch.autograd.grad(means.features.sum(), images)[0].any()


def test_each_block_begins_anew_and_leaves_nothing(bn_network):
    means = InstanceMeans([bn_network[1]])
    for number in (2, 5):
        with means:
            bn_network(torch.rand(number, 3, 6, 6))
        assert means.features.shape == (number, 4)
    bn_network(torch.rand(7, 3, 6, 6))
    assert len(means.features) == 5
    assert not bn_network[1]._forward_pre_hooks
