"""Numbers out of range, options with spaces, runs and seeds that are one."""

import sys
from argparse import ArgumentParser

import numpy as np
import pytest
from load_tool import load_tool
from mmengine.config import Config
from PIL import Image

from mmdfkd.cli.command import Parser
from mmdfkd.config_tools import DictAction

TWO = ['config.py', 'run.pth']
WRONG = [
    ('synthesize', [*TWO, 'out', '--per-class', '0'], '--per-class', 'over 0'),
    ('synthesize', [*TWO, 'out', '--num', '-3'], '--num', 'over 0'),
    ('synthesize', [*TWO, 'out', '--seed', '-1'], '--seed', 'from 0 on'),
    ('figures', [*TWO, '--num', '0'], '--num', 'over 0'),
    ('figures', [*TWO, '--batch-size', '1.5'], '--batch-size', 'over 0'),
    ('robustness', [*TWO, '--num', '-3'], '--num', 'over 0'),
    ('robustness', [*TWO, '--eps', 'nan'], '--eps', 'a number over 0'),
    ('robustness', [*TWO, '--pgd-steps', '0'], '--pgd-steps', 'over 0'),
    ('robustness', [*TWO, '--attacks', 'fgsm', '--pgd-steps', '9'], '--pgd-steps', 'left out'),
    ('robustness', [*TWO, '--eps', '8', '--attacks'], '--eps', 'left out without --attacks'),
    ('robustness', [*TWO, '--severities', '1', '--corruptions'], '--severities', 'left out'),
    ('robustness', [*TWO, '--cifar-c', 'x', '--corruptions'], '--cifar-c', 'left out'),
    ('synthesize', [*TWO, 'out', '--force'], '--force', 'left out without --grid'),
    ('figures', [*TWO, '--no-real', '--cache-dir', 'x'], '--cache-dir', 'with --no-real'),
    ('figures', [*TWO, '--no-real', '--inception-weights', 'x'], '--inception', 'with --no-real'),
    (
        'figures',
        [*TWO, '--extractor', 'teacher', '--inception-weights', 'x'],
        '--inception-weights',
        'left out with --extractor teacher',
    ),
    ('benchmark', ['--minutes', 'inf'], '--minutes', 'over 0'),
    ('benchmark', ['--seeds', '0', '0'], '--seeds', 'should differ'),
    ('benchmark_throughput', ['config.py', '--rounds', '0'], '--rounds', 'over 0'),
    ('reproduce', ['config.py', '--seeds', '0', '0'], '--seeds', 'should differ'),
    ('reproduce', ['config.py', '--seeds', '-1'], '--seeds', 'from 0 on'),
]


@pytest.mark.parametrize(('name', 'arguments', 'option', 'told'), WRONG)
def test_a_number_out_of_range_or_an_option_without_use_is_wrong_usage(
    name, arguments, option, told, monkeypatch, capsys
):
    monkeypatch.setattr(sys, 'argv', [f'{name}.py', *arguments])
    with pytest.raises(SystemExit) as ended:
        load_tool(name).command()
    err = capsys.readouterr().err
    assert (ended.value.code, err.count('\n')) == (2, 1)
    assert option in err
    assert told in err


@pytest.mark.parametrize('value', ['my data/teacher.pth', '/a  b/c', '1,2', '[a, b]', '3', 'None'])
def test_spaces_of_a_path_are_kept_and_all_else_is_mmengines(value):
    parser = ArgumentParser()
    parser.add_argument('--o', nargs='+', action=DictAction)
    found = parser.parse_args(['--o', f'x={value}']).o['x']
    usual = {'1,2': [1, 2], '[a, b]': ['a', 'b'], '3': 3, 'None': None}
    assert found == usual.get(value, value)


def test_reproduce_hands_a_path_with_spaces_on(tmp_path, monkeypatch):
    tool, log = load_tool('reproduce'), tmp_path / 'a b/argv.txt'
    log.parent.mkdir()
    script = 'import sys, pathlib\n'
    script += f'pathlib.Path({str(log)!r}).write_text("\\n".join(sys.argv[1:]))'
    (tmp_path / 'train.py').write_text(script)
    monkeypatch.setattr(tool, 'TRAIN', [sys.executable, str(tmp_path / 'train.py')])
    tool.train('a b.py', tmp_path / 'a b', {'model.teacher.checkpoint': 'a b/t.pth'}, [])
    words = log.read_text().splitlines()
    assert words[0] == 'a b.py'
    parser = Parser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    given = parser.parse_args(words[words.index('--cfg-options') :])
    assert given.cfg_options == {'model.teacher.checkpoint': 'a b/t.pth'}


def digits(place, classes=10, size=(28, 28), mode='L', pixels=None):
    for split in ('train', 'test'):
        for label in range(classes):
            (place / split / str(label)).mkdir(parents=True)
            image = Image.new(mode, size) if pixels is None else Image.fromarray(pixels)
            image.save(place / split / str(label) / '0.png')
    return place


def test_pngs_become_mnist_only_if_they_are(tmp_path):
    tool = load_tool('prepare_mnist')
    colours = np.zeros((28, 28, 3), dtype=np.uint8)
    colours[3, 4] = 9
    tool.convert(digits(tmp_path / 'rgb', pixels=colours), tmp_path / 'out')
    content = (tmp_path / 'out/train-images-idx3-ubyte').read_bytes()
    assert len(content) == 16 + 10 * 28 * 28
    assert content[16 + 3 * 28 + 4] == 9
    with pytest.raises(ValueError, match='ubyte should be a new file, but is there already'):
        tool.convert(tmp_path / 'rgb', tmp_path / 'out')
    tool.convert(tmp_path / 'rgb', tmp_path / 'out', force=True)


@pytest.mark.parametrize(
    ('given', 'told'),
    [
        ({'classes': 3}, r'each digit, but has none of \[3, 4, 5, 6, 7, 8, 9\]'),
        ({'size': (32, 32)}, 'grey image of 28 x 28 pixels, but is L of 32 x 32'),
        ({'pixels': np.eye(28, dtype=np.uint8)[..., None] * np.uint8([1, 2, 3])}, 'is RGB of 28'),
    ],
)
def test_other_pngs_are_refused_and_nothing_is_written(tmp_path, given, told):
    with pytest.raises(ValueError, match=told):
        load_tool('prepare_mnist').convert(digits(tmp_path / 'in', **given), tmp_path / 'out')
    assert not [*(tmp_path / 'out').glob('*')]


def test_figures_name_no_real_where_real_images_are_missing(monkeypatch):
    tool = load_tool('figures')
    args = tool.parse_args([*TWO, '--extractor', 'teacher'])
    with pytest.raises(ValueError, match='should have a test_dataloader, but has none; --no-real'):
        tool.make_metrics(args, Config())
