import pickle
from urllib.error import HTTPError, URLError

import pytest
import torch
from torch import nn

from mmdfkd.models.utils.checkpoint import load_weights

URL = 'https://example.invalid/weights/teacher-12345678.pth'


def build():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


@pytest.fixture
def source():
    network = build()
    network(torch.rand(8, 2))
    return network


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'weights.pth')


@pytest.fixture
def offline_hub(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub._hub_dir', str(tmp_path / 'hub'))
    (tmp_path / 'hub' / 'checkpoints').mkdir(parents=True)
    return tmp_path / 'hub' / 'checkpoints'


def assert_equal(network, source):
    for name, value in source.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name


@pytest.mark.parametrize('full', [False, True])
def test_weights_of_both_kinds_of_file_are_loaded(source, path, full):
    state = source.state_dict()
    torch.save({'state_dict': state, 'meta': {'epoch': 3}} if full else state, path)
    network = build()
    load_weights(network, path)
    assert_equal(network, source)


def test_a_prefix_is_stripped_and_other_keys_are_left_out(source, path):
    state = {f'module.{name}': value for name, value in source.state_dict().items()}
    torch.save({'state_dict': state | {'head.weight': torch.zeros(1)}}, path)
    network = build()
    load_weights(network, path, prefix='module.')
    assert_equal(network, source)


def test_a_prefix_is_stripped_once(path):
    inner = nn.ModuleDict({'net': nn.Linear(1, 1)})
    outer = nn.ModuleDict({'net': inner})
    torch.save(outer.state_dict(), path)
    network = nn.ModuleDict({'net': nn.Linear(1, 1)})
    load_weights(network, path, prefix='net.')
    assert_equal(network, inner)


def drop_a_key(state):
    del state['0.bias']


def add_a_key(state):
    state['aux.weight'] = torch.zeros(1)


def reshape_a_key(state):
    state['2.weight'] = torch.zeros(5, 3)


FAULTS = {
    drop_a_key: ['missing', '0.bias'],
    add_a_key: ['unexpected', 'aux.weight'],
    reshape_a_key: ['2.weight', '[5, 3]', '[2, 3]'],
}


@pytest.mark.parametrize(
    'faults',
    [*[[fault] for fault in FAULTS], [drop_a_key, add_a_key], list(FAULTS)],
    ids=lambda faults: '+'.join(fault.__name__ for fault in faults),
)
def test_every_key_that_differs_is_listed(source, path, faults):
    state = source.state_dict()
    for fault in faults:
        fault(state)
    torch.save(state, path)
    with pytest.raises(ValueError, match='should be those of Sequential') as caught:
        load_weights(build(), path)
    message = str(caught.value).replace('(', '[').replace(')', ']')
    for part in [path, 'num_classes', *[part for fault in faults for part in FAULTS[fault]]]:
        assert part in message


def test_a_wrong_prefix_says_so(source, path):
    torch.save(source.state_dict(), path)
    with pytest.raises(ValueError, match=r'missing.*prefix'):
        load_weights(build(), path, prefix='module.')


def test_a_missing_file_is_named_with_how_to_get_it(path):
    with pytest.raises(FileNotFoundError) as caught:
        load_weights(build(), path, how_to_get='make it: python train.py')
    assert path in str(caught.value)
    assert 'make it: python train.py' in str(caught.value)


@pytest.mark.parametrize(
    'error',
    [
        URLError('no route to host'),
        HTTPError(URL, 404, 'Not Found', None, None),
        TimeoutError('timed out'),
    ],
)
def test_a_failed_download_says_where_to_put_the_file(error, offline_hub, monkeypatch):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr('torch.hub.load_state_dict_from_url', refuse)
    with pytest.raises(FileNotFoundError) as caught:
        load_weights(build(), URL, how_to_get='ask the author')
    message = str(caught.value)
    assert URL in message
    assert str(offline_hub / 'teacher-12345678.pth') in message
    assert 'ask the author' in message
    assert str(error) in message


@pytest.mark.parametrize('query', ['', '?download=1'])
def test_the_place_it_names_is_where_a_download_is_looked_for(
    query, source, offline_hub, monkeypatch
):
    """Follow the advice of the error, then try again."""

    def refuse(*args, **kwargs):
        raise URLError('no route to host')

    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)
    network = build()
    with pytest.raises(FileNotFoundError) as caught:
        load_weights(network, URL + query)
    place = str(caught.value).split('bring the file to ')[1].split(',')[0]
    torch.save(source.state_dict(), place)
    load_weights(network, URL + query)
    assert_equal(network, source)


@pytest.mark.parametrize('by_url', [False, True])
def test_code_in_a_file_is_refused(by_url, path, offline_hub, malicious, proves_malice):
    payload, proof = malicious
    proves_malice(payload, proof)
    place = offline_hub / 'teacher-12345678.pth' if by_url else path
    torch.save({'state_dict': build().state_dict(), 'meta': payload}, place)
    with pytest.raises(pickle.UnpicklingError):
        load_weights(build(), URL if by_url else path)
    assert not proof.exists()
