import pytest
import torch
from torch import nn

from mmdfkd.models.utils import FeatureMaps


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Conv2d(4, 5, 3)))


def test_maps_are_the_layers_outputs_in_the_order_asked(network):
    images = torch.rand(2, 3, 8, 8)
    with FeatureMaps(network, ['1', '0', '1.0']) as recorder:
        outputs = network(images)
    first = network[0](images)
    assert [
        maps.equal(expected)
        for maps, expected in zip(recorder.maps, (outputs, first, first.relu()), strict=True)
    ] == [True] * 3


def test_gradients_flow_through_them(network):
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    with FeatureMaps(network, ['0']) as recorder:
        network(images)
    recorder.maps[0].sum().backward()
    assert images.grad.abs().sum() > 0


def test_hooks_are_gone_after_the_block_and_after_an_error(network):
    recorder = FeatureMaps(network, ['0', '1'])
    with recorder:
        network(torch.rand(2, 3, 8, 8))
    kept = list(recorder.maps)
    network(torch.rand(2, 3, 8, 8))
    assert all(now is then for now, then in zip(recorder.maps, kept, strict=True))
    with pytest.raises(RuntimeError), recorder:
        network(torch.rand(2, 7, 8, 8))
    assert not any(module._forward_hooks for module in network.modules())


def test_the_last_pass_counts(network):
    with FeatureMaps(network, ['0']) as recorder:
        network(torch.rand(2, 3, 8, 8))
        network(last := torch.rand(3, 3, 8, 8))
    assert recorder.maps[0].equal(network[0](last))


@pytest.mark.parametrize('device', ['cpu', 'meta'])
def test_maps_that_were_changed_in_place_are_refused(device):
    """They were the ReLU's, in silence."""
    norm, relu = nn.BatchNorm2d(4), nn.ReLU(inplace=True)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), norm, relu, nn.Conv2d(4, 4, 3)).to(device)
    images = torch.rand(2, 3, 8, 8, device=device)
    with torch.no_grad(), FeatureMaps(network, ['0', '2', '1']) as recorder:
        network(images)
    with pytest.raises(ValueError, match=r"that of '1' is changed in place, .*inplace=False"):
        _ = recorder.maps
    with FeatureMaps(network, ['0', '2']) as recorder:
        network(images)
    assert recorder.maps[1].shape == (2, 4, 6, 6)


def test_tensors_that_count_no_changes_are_taken(network):
    with torch.inference_mode(), FeatureMaps(network, ['0']) as recorder:
        network(torch.rand(2, 3, 8, 8))
    assert recorder.maps[0].is_inference()


@pytest.mark.parametrize('name', ['2', '1.conv', ''])
def test_unknown_layers_are_named(network, name):
    with pytest.raises(ValueError, match=r'layers of Sequential, but got .* its own are'):
        FeatureMaps(network, ['0', name])
