import re
import sys
from pathlib import Path

import pytest
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.cli.command import Parser
from mmdfkd.config_tools import DictAction, check_not_twice, merge_options

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


def parsed(value):
    parser = Parser()
    parser.add_argument('--o', nargs='+', action=DictAction)
    return parser.parse_args(['--o', f'x={value}']).o['x']


@pytest.mark.parametrize(
    ('value', 'found'),
    [
        ("['traffic light', 'stop sign']", ['traffic light', 'stop sign']),
        ('hot dog,cat', ['hot dog', 'cat']),
        ('(old) runs/my t.pth', '(old) runs/my t.pth'),
        ('(old) runs/t (1)', '(old) runs/t (1)'),
        ('[[a b, 2], (None, true)]', [['a b', 2], (None, True)]),
        ('[1],[2]', [[1], [2]]),
        ('(1,)', (1,)),
        ('[]', []),
        ('', ''),
        ('f(a,b)', 'f(a,b)'),
    ],
)
def test_spaces_inside_an_item_are_kept(value, found):
    assert parsed(value) == found


def test_a_bracket_that_is_not_closed_is_told():
    with pytest.raises(ValueError, match=r"brackets in pairs, but got '1, \(2'; close them all"):
        parsed('[1, (2]')


def test_an_option_that_another_argument_says_is_refused():
    check_not_twice({'model.kd_steps': 1}, {'work_dir': '--work-dir'})
    with pytest.raises(ValueError, match='leave work_dir to --work-dir, but got work_dir=a; leave'):
        check_not_twice({'work_dir': 'a'}, {'work_dir': '--work-dir'})
