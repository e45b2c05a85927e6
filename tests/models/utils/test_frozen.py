import pytest
import torch
from torch import nn

from mmdfkd.models.utils import frozen


def states(network):
    modes = [module.training for module in network.modules()]
    return modes, [parameter.requires_grad for parameter in network.parameters()]


def set_fully_trainable(network):
    network.train()


def set_partly_frozen(network):
    network.train()
    network[1].eval()
    network[0].requires_grad_(False)


def set_fully_frozen(network):
    network.eval()
    network.requires_grad_(False)


SETTINGS = [set_fully_trainable, set_partly_frozen, set_fully_frozen]


@pytest.mark.parametrize('setting', SETTINGS)
def test_inside_nothing_trains(bn_network, setting):
    setting(bn_network)
    with frozen(bn_network) as network:
        modes, trainable = states(network)
    assert not any(modes)
    assert not any(trainable)


@pytest.mark.parametrize('setting', SETTINGS)
def test_modes_and_trainability_come_back(bn_network, setting):
    setting(bn_network)
    before = states(bn_network)
    with frozen(bn_network):
        pass
    assert states(bn_network) == before


@pytest.mark.parametrize('setting', SETTINGS)
def test_they_come_back_also_after_an_exception(bn_network, setting):
    setting(bn_network)
    before = states(bn_network)
    with pytest.raises(KeyError), frozen(bn_network):
        raise KeyError
    assert states(bn_network) == before


@pytest.mark.parametrize('backward_inside', [True, False])
@pytest.mark.parametrize('setting', SETTINGS)
def test_the_gradient_reaches_the_input_and_no_weight(bn_network, setting, backward_inside):
    setting(bn_network)
    inputs = torch.rand(4, 3, 6, 6, requires_grad=True)
    with frozen(bn_network) as network:
        loss = network(inputs).square().sum()
        if backward_inside:
            loss.backward()
    if not backward_inside:
        loss.backward()
    assert inputs.grad.any()
    assert all(parameter.grad is None for parameter in bn_network.parameters())


def test_buffers_stay_and_outputs_are_those_of_eval_mode(bn_network):
    inputs = torch.rand(4, 3, 6, 6)
    expected = bn_network.eval()(inputs)
    before = {name: buffer.clone() for name, buffer in bn_network.named_buffers()}
    bn_network.train()
    with frozen(bn_network) as network:
        torch.testing.assert_close(network(inputs), expected)
    for name, buffer in bn_network.named_buffers():
        assert torch.equal(buffer, before[name]), name


def test_weights_can_be_trained_afterwards(bn_network):
    bn_network.train()
    with frozen(bn_network) as network:
        network(torch.rand(4, 3, 6, 6))
    bn_network(torch.rand(4, 3, 6, 6)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in bn_network.parameters())


def test_blocks_can_be_nested(bn_network):
    bn_network.train()
    before = states(bn_network)
    with frozen(bn_network) as network, frozen(network) as inner:
        modes, trainable = states(inner)
        assert not any(modes + trainable)
    assert states(bn_network) == before


def test_a_wrapper_is_taken_off(bn_network):
    wrapper = nn.DataParallel(bn_network)
    before = states(wrapper)
    with frozen(wrapper) as network:
        assert network is bn_network
    assert states(wrapper) == before
