import re
import sys
from pathlib import Path

import pytest
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.config_tools import merge_options

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('train_config.max_iters', 'train_cfg'),
        ('rounds', '--rounds'),
        ('default_hooks.checkpoints.interval', 'default_hooks.checkpoint'),
    ],
)
def test_an_option_that_changes_nothing_is_an_error(option, message):
    cfg = Config.fromfile(CONFIG)
    with pytest.raises(ValueError, match=rf'but got \'{option}\'; .*{message}'):
        merge_options(cfg, {option: 3})
    merge_options(cfg, {'sync_bn': 'torch', 'default_hooks.checkpoint.interval': 3})
    assert cfg.default_hooks.checkpoint.interval == 3


def test_a_config_may_leave_the_hooks_to_mmengine():
    cfg, options = Config({}), {'default_hooks.checkpoint.interval': 3, 'compile': True}
    merge_options(cfg, options)
    assert cfg.compile


TOOLS = {
    'figures': ['iter_1.pth'],
    'checkpoint_ranking/rank_checkpoints': ['runs'],
    'reproduce': [],
    'robustness': ['iter_1.pth'],
    'synthesize': ['iter_1.pth', 'out'],
    'export': ['iter_1.pth', 'out'],
    'int8_calibration/measure': ['iter_1.pth'],
    'test': ['iter_1.pth'],
    'train': [],
    'benchmark_throughput': [],
    'benchmark': ['--methods', CONFIG, '--pairs', CONFIG],
}


def test_every_tool_that_takes_options_is_here():
    scripts = [*(ROOT / 'mmdfkd/cli').glob('*.py'), *(ROOT / 'projects').glob('*/*.py')]
    takes = {path.stem for path in scripts if _takes(path.read_text())}
    assert takes == {Path(name).stem for name in TOOLS}


def _takes(text):
    return re.search(r"'--cfg-options',\s", text) and 'DictAction' in text


@pytest.mark.parametrize('tool', TOOLS)
def test_every_tool_refuses_a_misspelling(tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = [] if tool == 'benchmark' else [CONFIG]  # it has lists of them
    arguments = [*config, *TOOLS[tool], '--cfg-options', 'modle.x=1']
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    with pytest.raises(ValueError, match=r"but got 'modle.x'; did you mean model"):
        load_tool(tool).main()
