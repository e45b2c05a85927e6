"""What MMEngine's registry and foreign constructors raise is told by what the config has there."""

import pytest
import torch
from mmengine.registry import HOOKS, MODELS
from torch import nn

from mmdfkd.config_tools.describe import describe, nearest, one_line


def told(build):
    try:
        build()
    except Exception as error:
        return describe(error)
    raise AssertionError('nothing was raised')


class Takes(nn.Module):
    def __init__(self, width, depth=1, **kwargs):
        super().__init__(**kwargs)
        if depth > 9:
            raise RuntimeError('too deep')


MODELS.register_module(module=Takes, name='sweep_Takes', force=True)


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        (
            dict(type='mmdfkd.DEDFK'),
            "the type of a model should be the name of a registered class, but got 'mmdfkd.DEDFK'; "
            'did you mean DEDFKD?',
        ),
        (
            dict(type='mmdfkd.Qqqq'),
            "but got 'mmdfkd.Qqqq'; mind its spelling, or have custom_imports import its module",
        ),
        (
            dict(type='nets_of_mine.small'),
            "but got 'nets_of_mine.small'; to have it imported, run from the folder of "
            'nets_of_mine or add that to PYTHONPATH, and mind its spelling: python -c "import '
            'nets_of_mine" tells what is wrong',
        ),
        (dict(width=1), 'a model should be a dict with a type, but got {'),
        (None, 'a model should be a dict with a type, but got None'),
        (
            dict(type='sweep_Takes', width=1, dept=2),
            'Takes should get arguments that it has, but got dept=2; did you mean depth?',
        ),
        (dict(type='sweep_Takes', depth=2), "Takes should get 'width', but got ['depth']; give"),
        (
            dict(type='sweep_Takes', width=1, depth=10),
            'Takes should be built of its config, but of (width=1, depth=10) it raised '
            'RuntimeError: too deep; mend that',
        ),
    ],
)
def test_what_was_being_built_is_told(config, expected):
    assert expected in told(lambda: MODELS.build(config))


def test_our_own_errors_stay_as_they_are():
    grid = dict(type='mmdfkd.SyntheticGridHook', interval=0)
    expected = 'interval should be a whole number over 0, but got 0'
    assert told(lambda: HOOKS.build(grid)) == expected


def test_other_errors_have_their_names():
    assert describe(KeyError('x')) == 'KeyError: x'
    assert describe(ValueError('a\n  b')) == one_line('a b')
    assert nearest('Adm', ['Adam', 'SGD']) == 'did you mean Adam?'
    assert nearest('Qqq', ['Adam', 'SGD']) == ''


class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise ValueError('cat/1.png should be an image\nthat can be read: mend it')


def test_an_error_of_a_worker_is_told_without_its_trace():
    loader = torch.utils.data.DataLoader(Broken(), num_workers=1)
    assert told(lambda: next(iter(loader))) == (
        'cat/1.png should be an image that can be read: mend it'
    )
