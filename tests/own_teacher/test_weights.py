import pytest
import timm
import torchvision
from torch import nn

from mmdfkd.own_teacher import Found, find
from mmdfkd.own_teacher.weights import fit


def first(name):
    return next(find(name))


@pytest.mark.parametrize('prefix', ['', 'module.', 'net.model.'])
def test_classes_channels_and_prefix_are_the_weights(prefix):
    network = timm.create_model('test_resnet', num_classes=7, in_chans=1)
    weights = {prefix + key: value for key, value in network.state_dict().items()}
    found = first('test_resnet')
    assert fit(found, weights) == prefix
    assert (found.network['num_classes'], found.network['in_chans']) == (7, 1)
    assert found.channels == 1


def test_channels_that_the_network_has_already_are_noted():
    network = timm.create_model('test_resnet', in_chans=1)
    found = next(find('test_resnet', dict(in_chans=1)))
    assert found.channels == 3  # as timm says
    fit(found, network.state_dict())
    assert found.channels == 1


@pytest.mark.parametrize(('channels', 'groups', 'noted'), [(3, 3, 3), (1, 1, 1), (8, 1, 3)])
def test_channels_of_a_first_convolution_in_groups(channels, groups, noted, monkeypatch):
    network = nn.Sequential(nn.Conv2d(channels, 6, 3, groups=groups), nn.Flatten())
    monkeypatch.setattr(Found, 'build', lambda _: network)
    found = Found('own', dict(type='mine'))
    fit(found, network.state_dict())
    assert found.channels == noted  # one of 8 is not called first


def test_what_stands_beside_the_network_is_left_out():
    network = timm.create_model('test_resnet').state_dict()
    weights = {f'student.{k}': v for k, v in network.items()} | {
        'teacher.fc.bias': network['fc.bias']
    }
    assert fit(first('test_resnet'), weights) == 'student.'


def test_two_networks_in_a_file_are_not_chosen_from():
    own = timm.create_model('test_resnet').state_dict()
    averaged = {key: value + 1 for key, value in own.items()}
    both = {f'{name}.{k}': v for name, w in (('net', own), ('ema', averaged)) for k, v in w.items()}
    with pytest.raises(ValueError, match=r"begin with \['net\.', 'ema\.'\]; choose one with --pre"):
        fit(first('test_resnet'), both)
    assert fit(first('test_resnet'), both, 'ema.') == 'ema.'
    with pytest.raises(ValueError, match='--prefix should be what keys of the weights begin with'):
        fit(first('test_resnet'), both, 'other.')
    same = {f'{name}.{key}': value for name in ('net', 'ema') for key, value in own.items()}
    assert fit(first('test_resnet'), same) == 'net.'
    with pytest.raises(ValueError, match=r'has no net\.conv1.*such keys; .*or the --prefix of its'):
        fit(first('test_resnet'), own | both)
    assert fit(first('test_resnet'), own | both, 'net.') == 'net.'


def test_torchvision_and_mmpretrain():
    found = first('torchvision/resnet18')
    fit(found, torchvision.models.resnet18(num_classes=7).state_dict())
    assert found.network['num_classes'] == 7
    found = first('resnet18_8xb32_in1k')
    other = first('resnet18_8xb32_in1k')
    other.set_classes(7)
    fit(found, other.build().state_dict())
    assert found.network['head']['num_classes'] == 7


@pytest.mark.parametrize('name', ['timm/dla34', 'timm/resnetv2_50x1_bit'])
def test_classes_of_a_convolution(name):
    network = timm.create_model(name.split('/')[1], num_classes=7)
    found = first(name)
    fit(found, network.state_dict())
    assert found.network['num_classes'] == 7


def test_classes_of_a_convolution_of_torchvision():
    found = first('torchvision/squeezenet1_1')
    fit(found, torchvision.models.squeezenet1_1(num_classes=7).state_dict())
    assert found.network['num_classes'] == 7


def test_keys_that_the_network_has_not_are_refused():
    weights = timm.create_model('test_resnet').state_dict()
    more = weights | {'auxiliary.weight': weights['fc.weight']}
    with pytest.raises(ValueError, match=r'test_resnet, but it has no auxiliary\.weight, one of 1'):
        fit(first('test_resnet'), more)


def test_weights_of_another_network_are_refused():
    weights = timm.create_model('test_resnet').state_dict()
    told = r'of timm’s test_vit, but of its \d+ tensors \d+ do not fit: cls_token .*is not there'
    with pytest.raises(ValueError, match=told):
        fit(first('test_vit'), weights)
    wide = timm.create_model('test_resnet', stem_width=8).state_dict()
    with pytest.raises(ValueError, match=r'should be \(\d+.*, but is \(\d+'):
        fit(first('test_resnet'), wide)


@pytest.mark.parametrize('prefix', ['', 'module.'])
def test_counters_of_batches_may_be_missing(prefix):
    """As in files of other tools: torch does without."""
    network = timm.create_model('test_resnet', num_classes=7)
    state = {prefix + k: v for k, v in network.state_dict().items() if 'num_batches' not in k}
    assert len(state) < len(network.state_dict())
    assert fit(first('test_resnet'), state) == prefix
