"""Configs, tools and index are where OpenMMLab's programs look for them."""

import re
from collections import Counter
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.config.utils import _get_cfg_metainfo, _get_package_and_cfg_path

import mmdfkd
from mmdfkd.packaged import CONFIGS, MIM

ROOT = Path(mmdfkd.__file__).parents[1]
FILES = sorted((ROOT / 'configs').rglob('*.py'))
PAIR = 'from mmdfkd.configs.dedfkd_lenet5_mnist5k import *'


def test_the_package_has_what_the_clone_has():
    # Links in a clone, copies in an archive.
    files = [ROOT / 'model-index.yml', *FILES, *(ROOT / 'tools').glob('*.py')]
    for file in files:
        assert (MIM / file.relative_to(ROOT)).read_bytes() == file.read_bytes()
    inside = {path.relative_to(CONFIGS.resolve()) for path in CONFIGS.resolve().rglob('*.py')}
    assert {path.relative_to(ROOT / 'configs') for path in FILES} == inside


def test_mim_finds_one_config_of_a_name():
    # It searches the whole package, and wants a name to be there once.
    names = Counter(file.name for file in FILES)
    assert [name for name, count in names.items() if count > 1] == []
    modules = {file.name for file in (ROOT / 'mmdfkd').rglob('*.py') if '.mim' not in file.parts}
    runs = {file.name for file in FILES if '_base_' not in file.parts}
    assert runs & modules == set()


def test_mmengine_reads_the_index():
    package, name = _get_package_and_cfg_path('mmdfkd::dafl/dafl_lenet5_mnist5k.py')
    assert package == 'mmdfkd'
    assert (MIM / _get_cfg_metainfo(str(ROOT / package), name)['Config']).is_file()


def test_get_config_finds_a_config_by_mmengines_name():
    pytest.importorskip('pkg_resources', reason='setuptools 81 and later have none')
    from mmengine.hub import get_config

    assert get_config('mmdfkd::dafl/dafl_lenet5_mnist5k.py').model.teacher


def test_a_config_anywhere_inherits_from_an_installed_one(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(
        'from mmengine.config import read_base\n\n'
        f'with read_base():\n    {PAIR}\n\n'
        "model['kd_steps'] = 3\n"
    )
    plain = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py').to_dict()
    mine = Config.fromfile(path).to_dict()
    assert mine['model'].pop('kd_steps') == 3
    del plain['model']['kd_steps']
    assert mine == plain


def test_a_base_that_is_not_there_is_named(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(
        'from mmengine.config import read_base\n\n'
        'with read_base():\n    from mmdfkd.configs.nowhere import *\n'
    )
    with pytest.raises(Exception, match=re.escape('configs/nowhere.py not found')):
        Config.fromfile(path)
