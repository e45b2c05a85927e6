import pytest
import torch

from mmdfkd.models.backbones import DAFLLeNet5


def num_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(('width', 'features'), [(1.0, 84), (0.5, 42), (2.0, 168)])
def test_the_width_scales_the_features(width, features):
    outputs = DAFLLeNet5(width)(torch.rand(2, 1, 32, 32))
    assert isinstance(outputs, tuple)
    assert [output.shape for output in outputs] == [(2, features)]


@pytest.mark.parametrize(('width', 'with_head'), [(1.0, 61_706), (0.5, 15_738)])
def test_sizes_are_those_of_lenet5_and_its_half(width, with_head):
    network = DAFLLeNet5(width)
    features = network(torch.rand(1, 1, 32, 32))[0].size(1)
    assert num_parameters(network) + 10 * (features + 1) == with_head


def test_features_come_after_a_relu():
    features = DAFLLeNet5()(torch.randn(8, 1, 32, 32))[0]
    assert features.min() == 0
    assert features.max() > 0


def test_gradients_reach_the_input_and_every_parameter():
    network, inputs = DAFLLeNet5(), torch.randn(4, 1, 32, 32, requires_grad=True)
    network(inputs)[0].square().sum().backward()
    assert inputs.grad.abs().max() > 0
    assert all(parameter.grad.abs().max() > 0 for parameter in network.parameters())
