"""A config is a file of the user's, or one that is installed."""

import sys
from collections import OrderedDict

import pytest
from mmengine.registry import DefaultScope

from mmdfkd.config_tools import config_file, config_path, read_config
from mmdfkd.packaged import CONFIGS
from mmdfkd.registry import MODELS

LENET5 = CONFIGS / 'dedfkd_lenet5_mnist5k.py'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'path', sys.path[:])


@pytest.mark.parametrize(
    ('given', 'inner'),
    [
        ('dedfkd_lenet5_mnist5k.py', 'dedfkd_lenet5_mnist5k.py'),
        ('configs/dedfkd_lenet5_mnist5k.py', 'dedfkd_lenet5_mnist5k.py'),
        ('configs/teachers/lenet5_mnist5k.py', 'teachers/lenet5_mnist5k.py'),
        ('teachers/lenet5_mnist5k.py', 'teachers/lenet5_mnist5k.py'),
        ('dafl_lenet5_mnist5k.py', 'dafl/dafl_lenet5_mnist5k.py'),
        ('mmdfkd::dafl/dafl_lenet5_mnist5k.py', 'dafl/dafl_lenet5_mnist5k.py'),
    ],
)
def test_an_installed_config_is_found_and_told(given, inner, capsys):
    assert config_path(given).samefile(CONFIGS / inner)
    told = capsys.readouterr().err
    assert told.startswith(f'{given} is not in this folder: taking /') == ('::' not in given)


@pytest.mark.parametrize('given', ['configs/*.py', '*.py', 'dedfkd_lenet[5]_mnist5k.py'])
def test_a_pattern_is_no_name(given):
    assert config_file(given) == given


def test_the_users_own_file_comes_first(tmp_path, capsys):
    (tmp_path / LENET5.name).write_text('model = dict()\n')
    assert config_file(LENET5.name) == LENET5.name
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ('dedfkd_lenet_mnist5k.py', 'did you mean dedfkd_lenet5_mnist5k.py'),
        ('/nowhere/dedfkd_lenet5_mnist5k.py', 'neither in this folder nor among'),
        ('../configs/dedfkd_lenet5_mnist5k.py', 'neither in this folder nor among'),
    ],
)
def test_one_that_is_nowhere_is_told_with_the_nearest(given, told):
    assert config_file(given) == given
    with pytest.raises(FileNotFoundError, match=told):
        read_config(given)


def test_a_config_may_name_modules_of_the_folder(tmp_path):
    (tmp_path / 'my_own_values.py').write_text('class Mine: ...\n')
    (tmp_path / 'mine.py').write_text(
        'from my_own_values import Mine\n\nmodel = dict(type=Mine, kd_steps=1)\n'
    )
    cfg = read_config('mine.py', {'model.kd_steps': 2})
    assert cfg.model.type.__name__ == 'Mine'
    assert cfg.model.kd_steps == 2


def test_short_names_of_a_config_are_of_its_scope(tmp_path, monkeypatch):
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())
    (tmp_path / 'mine.py').write_text(
        "default_scope = 'mmpretrain'\n"
        "model = dict(type='mmdfkd.Classifier', network=dict(type='ImageClassifier', "
        "backbone=dict(type='LeNet5', num_classes=10), head=dict(type='ClsHead')))\n"
    )
    assert MODELS.build(read_config('mine.py').model).num_classes == 10
