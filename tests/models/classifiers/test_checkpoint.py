import argparse
import hashlib
import math
import os
import pickle
import shutil
from pathlib import Path
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
import torch
from torch import nn

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.downloads import cached_place, stated_digest
from mmdfkd.models.classifiers.checkpoint import load_weights

URL = 'https://example.invalid/weights/teacher.pth'


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


def place_of(message):
    return Path(message.split('bring the file to ')[1].split(',')[0])


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

    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)
    with pytest.raises(FileNotFoundError) as caught:
        load_weights(build(), URL, how_to_get='ask the author')
    message = str(caught.value)
    assert URL in message
    assert place_of(message).parents[1] == offline_hub
    assert place_of(message).name == 'teacher.pth'
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
    torch.save(source.state_dict(), place_of(str(caught.value)))
    load_weights(network, URL + query)
    assert_equal(network, source)


@pytest.mark.parametrize('by_url', [False, True])
def test_code_in_a_file_is_refused(by_url, path, served, malicious, proves_malice):
    payload, proof = malicious
    proves_malice(payload, proof)
    place = served.folder / 'teacher.pth' if by_url else path
    torch.save({'state_dict': build().state_dict(), 'meta': payload}, place)
    with pytest.raises(
        pickle.UnpicklingError, match=r'could run code.*model\.state_dict\(\) alone'
    ):
        load_weights(build(), f'{served.url}/teacher.pth' if by_url else path)
    assert not proof.exists()


def test_a_file_of_the_same_name_from_another_place_is_another(served, source):
    """It was taken from the cache, whatever was asked for."""
    for folder, value in (('one', 1.0), ('other', 2.0)):
        (served.folder / folder).mkdir()
        nn.init.constant_(source[0].weight, value)
        torch.save(source.state_dict(), served.folder / folder / 'teacher.pth')
    for folder, value in (('one', 1.0), ('other', 2.0), ('one', 1.0)):
        network = build()
        load_weights(network, f'{served.url}/{folder}/teacher.pth')
        assert (network[0].weight == value).all()
    assert served.requests == ['/one/teacher.pth', '/other/teacher.pth']  # the third is kept


@pytest.mark.parametrize('by_url', [False, True])
def test_a_digest_is_checked(by_url, served, source):
    place = served.folder / 'teacher.pth'
    where = f'{served.url}/teacher.pth' if by_url else str(place)
    torch.save(source.state_dict(), place)
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=rf'SHA-256 {"0" * 64}, but got {digest}') as caught:
        load_weights(build(), where, sha256='0' * 64)
    assert where in str(caught.value)
    network = build()
    load_weights(network, where, sha256=digest.upper())
    assert_equal(network, source)
    with pytest.raises(ValueError, match=f'but got {digest}'):  # of the kept file, too
        load_weights(build(), where, sha256='0' * 64)


@pytest.mark.parametrize('digits', [8, 10, 64])
def test_the_digest_in_a_published_name_is_checked(served, source, digits):
    """It was not: another file, or a damaged one, was taken for the published one."""
    plain = served.folder / 'teacher.pth'
    torch.save(source.state_dict(), plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    right = f'resnet20_b16x8_20210528-{digest[:digits]}.pth'
    wrong = f'resnet20_b16x8_20210528-{"a8aa36a6" + digest[8:digits]}.pth'
    for name in (right, wrong):
        shutil.copy(plain, served.folder / name)
    network = build()
    load_weights(network, f'{served.url}/{right}')
    assert_equal(network, source)
    told = r'SHA-256 that begins with a8aa36a6\w*, as its name says, but got ' + digest
    if digits == 64:
        told = f'should have the SHA-256 a8aa36a6.*, but got {digest}'
    with pytest.raises(ValueError, match=told):
        load_weights(build(), f'{served.url}/{wrong}')
    assert not list(cached_place(f'{served.url}/{wrong}').parent.iterdir())
    load_weights(build(), f'{served.url}/{wrong}', sha256=digest)  # the user knows better
    with pytest.raises(ValueError, match=told):  # the kept file, too
        load_weights(build(), f'{served.url}/{wrong}')


@pytest.mark.parametrize(
    ('file', 'published'),
    [
        ('resnet20_cifar10.th', 'resnet20-12fca82f.th'),
        ('resnet56_cifar10.th', 'resnet56-4bfd9763.th'),
    ],
)
def test_public_files_have_the_digest_of_their_names(served, file, published):
    place = Path(os.environ.get('MMDFKD_TEST_DATA', '')) / 'teachers' / file
    if not place.is_file():
        pytest.skip(f'no teachers/{file} in MMDFKD_TEST_DATA')
    shutil.copy(place, served.folder / published)
    assert 'state_dict' in read_checkpoint(f'{served.url}/{published}')


@pytest.mark.parametrize(
    ('name', 'stated'),
    [
        ('resnet34_b16x8_cifar10_20210528-a8aa36a6.pth', 'a8aa36a6'),
        ('resnet50-0676ba61.pth', '0676ba61'),
        ('weights-inception-2015-12-05-6726825d.pth', '6726825d'),
        ('tf_efficientnet_b0-0af12548f1.safetensors', '0af12548f1'),
        ('teacher-20210528.pth', None),
        ('teacher-202105281530.pth', None),
        ('best-00000042.pth', None),
        ('teacher-deadbee.pth', None),
        ('teacher_a8aa36a6.pth', None),
        ('resnet-epoch.pth', None),
        ('a8aa36a6-resnet.pth', None),
        ('weights', None),
    ],
)
def test_which_names_state_a_digest(name, stated):
    assert stated_digest(name) == stated


@pytest.mark.parametrize('digest', ['', 'abc', 'x' * 64])
def test_a_digest_that_is_none_is_refused(digest, path, source):
    torch.save(source.state_dict(), path)
    with pytest.raises(ValueError, match='sha256 should be 64 hexadecimal digits'):
        load_weights(build(), path, sha256=digest)


def test_what_a_killed_download_left_is_removed(served, source):
    torch.save(source.state_dict(), served.folder / 'teacher.pth')
    place = cached_place(f'{served.url}/teacher.pth')
    place.parent.mkdir(parents=True)
    left = [place.with_name(f'{place.name}.{c * 32}.part{end}') for c in 'ab' for end in ('', '.x')]
    for path in left:
        path.touch()
    for path in left[:2]:
        os.utime(path, (0, 0))
    load_weights(build(), f'{served.url}/teacher.pth')
    assert {*place.parent.iterdir()} == {place, *left[2:]}, 'another process may be at it'


def test_scheme_case_home_and_file_urls_are_understood(served, source, monkeypatch):
    monkeypatch.setenv('HOME', str(served.folder))
    torch.save(source.state_dict(), served.folder / 'a teacher.pth')
    quoted = str(served.folder / 'a teacher.pth').replace(' ', '%20')
    for where in (
        '~/a teacher.pth',
        f'file://{quoted}',
        f'FILE://localhost{quoted}',
        f'{served.url.upper()}/a%20teacher.pth',
    ):
        network = build()
        load_weights(network, where)
        assert_equal(network, source)


@pytest.mark.parametrize('where', ['ftp://example.invalid/a.pth', 'torchvision://no_such_model'])
def test_other_places_are_refused_by_name(where):
    with pytest.raises(FileNotFoundError, match=r'should .*, but'):
        load_weights(build(), where)


class Arguments(argparse.Namespace):
    pass


def with_arguments(network):
    """What timm's train.py saves."""
    arguments = argparse.Namespace(lr=0.1, model='resnet18')
    return {'arch': 'r', 'args': arguments, 'state_dict': network.state_dict(), 'metric': 1.0}


@pytest.mark.parametrize(
    'wrap',
    [
        with_arguments,
        *(
            lambda network, key=key: {key: network.state_dict(), 'acc': 93.0, 'epoch': 3}
            for key in ('net', 'model', 'model_state_dict', 'state_dict_ema', 'my_weights')
        ),
        lambda network: {'net': network.state_dict(), 'acc': torch.tensor(93.0)},
        lambda network: {
            'state_dict': network.state_dict(),
            'ema_state_dict': {'module.a': torch.ones(1)},
            'message_hub': {},
        },
        lambda network: {'model': {'state_dict': network.state_dict()}, 'optimizer': {'a': 1}},
    ],
)
def test_weights_are_found_under_the_usual_keys(wrap, source, path):
    torch.save(wrap(source), path)
    network = build()
    load_weights(network, path)
    assert_equal(network, source)


def test_averaged_weights_beside_the_others_are_not_chosen_in_silence(source, path):
    averaged = {key: value + 1 for key, value in source.state_dict().items()}
    torch.save({'epoch': 3, 'state_dict': averaged, 'state_dict_ema': source.state_dict()}, path)
    with pytest.raises(
        ValueError, match=r"\['state_dict', 'state_dict_ema'\]; choose one with key"
    ):
        load_weights(build(), path)
    network = build()
    load_weights(network, path, key='state_dict_ema')
    assert_equal(network, source)
    mixed = averaged | {'_extra_state': {'version': 1}}  # no tensors alone
    torch.save({'state_dict': mixed, 'state_dict_ema': source.state_dict()}, path)
    with pytest.raises(ValueError, match='choose one with key'):
        load_weights(build(), path)


def test_one_of_several_is_chosen_by_key(source, path):
    other = build().state_dict()
    torch.save({'teacher': source.state_dict(), 'student': other}, path)
    with pytest.raises(ValueError, match=r"got them under \['teacher', 'student'\]; choose"):
        load_weights(build(), path)
    network = build()
    load_weights(network, path, key='teacher')
    assert_equal(network, source)
    with pytest.raises(ValueError, match=r"got 'taecher' of \['teacher', 'student'\]"):
        load_weights(build(), path, key='taecher')


def test_safetensors_are_loaded(source, tmp_path):
    safetensors = pytest.importorskip('safetensors.torch')
    path = str(tmp_path / 'model.safetensors')
    safetensors.save_file(source.state_dict(), path)
    network = build()
    load_weights(network, path)
    assert_equal(network, source)


def numpy_archive(path, content):
    with Path(path).open('wb') as file:
        np.savez(file, a=np.ones(2))


def half(path, content):
    torch.save(content, path)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])


def half_safetensors(path, content):
    safetensors = pytest.importorskip('safetensors.torch')
    safetensors.save_file(content, path)
    Path(path).write_bytes(Path(path).read_bytes()[:-20])


LFS = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'


@pytest.mark.parametrize(
    ('write', 'says'),
    [
        (lambda path, content: Path(path).write_bytes(LFS), 'git lfs pull'),
        (lambda path, content: Path(path).write_bytes(b''), 'it is empty'),
        (lambda path, content: Path(path).write_bytes(b'error: no such file'), "'error: no such"),
        (lambda path, content: Path(path).write_bytes(b'<!DOCTYPE html><html>'), 'a web page'),
        (lambda path, content: Path(path).write_bytes(b'\x89HDF\r\n\x1a\n\0'), 'HDF5'),
        (lambda path, content: Path(path).write_bytes(bytes(range(256))), 'damaged'),
        (numpy_archive, 'damaged'),
        (half, 'half a file'),
        (half_safetensors, 'damaged'),
        (lambda path, content: torch.save([1, 2], path), 'a list'),
        (lambda path, content: torch.save(torch.ones(2), path), 'a Tensor'),
        (lambda path, content: torch.save(build(), path), 'pickled torch.nn'),
        (lambda path, content: torch.save(Arguments(a=1), path), 'pickled .*Arguments'),
        (
            lambda path, content: (
                torch.save(content, path, _use_new_zipfile_serialization=False)
                or Path(path).write_bytes(Path(path).read_bytes()[:-40])
            ),
            'damaged',
        ),
    ],
)
def test_what_is_no_checkpoint_is_named_with_what_to_do(write, says, source, path):
    write(path, source.state_dict())
    with pytest.raises(ValueError, match=says) as caught:
        load_weights(build(), path, how_to_get='ask me')
    assert path in str(caught.value)
    assert '; ' in str(caught.value)


@pytest.mark.parametrize('value', [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_named(value, source, path):
    source[2].bias.data[1] = value
    torch.save(source.state_dict(), path)
    with pytest.raises(ValueError, match=r'weights.pth should be finite, but 2\.bias hold NaN'):
        load_weights(build(), path)


def test_integers_are_no_weights(source, path):
    state = source.state_dict()
    state['0.weight'] = (state['0.weight'] * 127).to(torch.int8)
    torch.save(state, path)
    with pytest.raises(ValueError, match=r'0\.weight is torch\.int8.*quantised'):
        load_weights(build(), path)
