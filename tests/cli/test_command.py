"""A plain mistake ends in one line on stderr."""

import errno
import subprocess
import sys
from logging import FileHandler
from pathlib import Path
from types import SimpleNamespace

import pytest
from load_tool import load_tool
from mmengine.logging import MMLogger

from mmdfkd.cli.command import LONGEST, as_command, describe

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/dedfkd_lenet5_mnist5k.py'


def ends(monkeypatch, capsys, name, *arguments, main=None):
    """The exit status and stderr of a command, of ``main`` if given."""
    monkeypatch.setattr(sys, 'argv', [f'tools/{name}.py', *map(str, arguments)])
    command = as_command(main) if main else load_tool(name).command
    with pytest.raises(SystemExit) as ended:
        command()
    return ended.value.code, capsys.readouterr().err


COMMANDS = [
    'benchmark',
    'benchmark_throughput',
    'distill',
    'export',
    'figures',
    'prepare_mnist',
    'prepare_teachers',
    'publish_student',
    'report',
    'reproduce',
    'robustness',
    'synthesize',
    'test',
    'train',
]


POSITIONALS = {'benchmark': 0, 'prepare_mnist': 0, 'prepare_teachers': 0, 'figures': 2}
POSITIONALS |= {'robustness': 2, 'test': 2}
POSITIONALS |= {'publish_student': 3, 'synthesize': 3, 'export': 3}


@pytest.mark.parametrize('name', COMMANDS)
def test_a_misspelt_option_is_one_line_with_the_nearest(name, monkeypatch, capsys):
    given = ['a', 'b', 'c'][: POSITIONALS.get(name, 1)]
    status, told = ends(monkeypatch, capsys, name, *given, '--verbos_')
    assert status == 2
    assert told == (
        f'{name}.py: unrecognized arguments: --verbos_; did you mean --verbose? '
        '(--help lists all)\n'
    )


@pytest.mark.parametrize(
    ('name', 'arguments', 'told'),
    [
        ('train', ['nowhere.py'], 'nowhere.py'),
        ('test', [CONFIG, 'nowhere.pth'], 'nowhere_teacher.pth, but no file is there; make it: '),
        ('publish_student', [CONFIG, 'nowhere.pth', '{tmp}/s.pth'], 'should be at nowhere.pth'),
        ('publish_student', [CONFIG, CONFIG, '{tmp}/s.pth'], 'it is a text that begins'),
        ('export', [CONFIG, 'nowhere.pth', '{tmp}/out'], 'should be at nowhere.pth'),
        ('figures', [CONFIG, 'nowhere.pth', '--no-real'], 'should be at nowhere.pth'),
        ('report', ['nowhere'], 'nowhere should be a work dir'),
        ('prepare_mnist', ['--from-pngs', 'nowhere'], 'images should be at nowhere'),
    ],
)
def test_a_plain_mistake_is_one_line(name, arguments, told, monkeypatch, capsys, tmp_path):
    arguments = [part.format(tmp=tmp_path) for part in arguments]
    if name in ('train', 'test'):
        arguments += ['--work-dir', tmp_path]
    if name == 'test':  # ours may be there, from another test
        arguments += ['--cfg-options', 'model.teacher.checkpoint=nowhere_teacher.pth']
    monkeypatch.chdir(ROOT)
    status, err = ends(monkeypatch, capsys, name, *arguments)
    assert status == 1
    assert told in err
    assert (err.count('\n'), err.startswith(f'{name}: ')) == (1, True)


def fail(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ('error', 'told'),
    [
        (ValueError('x should be 1,\n   but got 2'), 'x should be 1, but got 2'),
        (KeyError('Nobody is not in the registry'), 'KeyError: Nobody is not in the registry'),
        (ZeroDivisionError(), 'ZeroDivisionError'),
        (FileNotFoundError(errno.ENOENT, 'No such file', 'a.pth'), 'a.pth: No such file'),
        (
            OSError(errno.ENOSPC, 'No space left', 'w/a.pth'),
            'the disk of w/a.pth should have room, but is full; make some; go on with: python '
            'tools/train.py a.py --work-dir "w d" --resume auto'.replace('"', "'"),
        ),
        (
            KeyboardInterrupt(),
            "stopped; go on with: python tools/train.py a.py --work-dir 'w d' --resume auto",
        ),
    ],
)
def test_an_error_is_told_in_a_line(error, told, monkeypatch, capsys):
    given = ['a.py', '--resume', 'x/iter_5.pth', '--work-dir', 'w d', '--force']
    found = ends(monkeypatch, capsys, 'train', *given, main=fail(error))
    assert found == (1, f'train: {told}\n')


@pytest.mark.parametrize(
    ('name', 'given', 'told'),
    [
        ('train', ['a.py', '--force'], 'mmdfkd train a.py --resume auto'),
        (
            'train',
            ['--work-dir', 'runs/a', 'c.py'],
            'mmdfkd train --work-dir runs/a c.py --resume auto',
        ),
        (
            'distill',
            ['resnet18', '--force', '--minutes', '5'],
            'mmdfkd distill resnet18 --minutes 5 --resume',
        ),
    ],
)
def test_a_subcommand_says_how_to_go_on_with_it(name, given, told, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [f'mmdfkd {name}', *given])
    with pytest.raises(SystemExit):
        as_command(fail(KeyboardInterrupt()))()
    assert capsys.readouterr().err == f'mmdfkd {name}: stopped; go on with: {told}\n'


@pytest.mark.parametrize(('given', 'rank'), [(['--launcher', 'pytorch'], None), ([], '0')])
def test_a_launchers_process_does_not_say_how_to_go_on(given, rank, monkeypatch, capsys):
    """Its own command would not do without the launcher."""
    if rank:
        monkeypatch.setenv('LOCAL_RANK', rank)
    found = ends(monkeypatch, capsys, 'train', 'c.py', *given, main=fail(KeyboardInterrupt()))
    assert found == (1, 'train: stopped\n')


def test_where_nothing_can_go_on_that_is_said(monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['mmdfkd distill', 'resnet18'])
    with pytest.raises(SystemExit):
        as_command(fail(KeyboardInterrupt('before the run began; start it again')))()
    assert capsys.readouterr().err == (
        'mmdfkd distill: stopped before the run began; start it again\n'
    )


def test_verbose_brings_the_traceback(monkeypatch, capsys):
    main = fail(ValueError('because'))
    _, err = ends(monkeypatch, capsys, 'figures', '--verbose', main=main)
    assert err.startswith('Traceback')
    assert err.endswith('figures: because\n')
    long = fail(RuntimeError('word ' * 1000))
    _, err = ends(monkeypatch, capsys, 'figures', main=long)
    assert len(err) < LONGEST + 60
    assert err.endswith('... (--verbose has the rest)\n')


def test_a_log_that_cannot_be_written_leaves_the_one_line(monkeypatch, capsys):
    log = FileHandler('never opened', delay=True)
    log.stream = SimpleNamespace(write=len, flush=fail(OSError(errno.ENOSPC, 'No space left')))
    monkeypatch.setattr(MMLogger, '_instance_dict', {'run': SimpleNamespace(handlers=[log])})
    main = fail(OSError(errno.ENOSPC, 'No space left'))
    status, err = ends(monkeypatch, capsys, 'figures', main=main)
    assert (status, err) == (1, 'figures: the disk should have room, but is full; make some\n')
    log.stream = None  # what it holds cannot be written


def test_what_fails_later_has_status_1_and_success_0(monkeypatch, capsys):
    assert ends(monkeypatch, capsys, 'benchmark', main=lambda: 3) == (1, '')
    assert ends(monkeypatch, capsys, 'benchmark', main=lambda: None) == (0, '')
    assert describe(RuntimeError('x')) == 'RuntimeError: x'


def test_an_option_of_a_config_without_a_value(monkeypatch, capsys):
    status, err = ends(monkeypatch, capsys, 'train', CONFIG, '--cfg-options', 'model.kd_steps')
    assert (status, err.count('\n')) == (2, 1)
    assert 'should be KEY=VALUE' in err


def test_the_log_has_the_traceback_that_the_terminal_has_not(tmp_path):
    command = [sys.executable, 'tools/train.py', CONFIG, '--work-dir', str(tmp_path)]
    options = ['model.teacher.checkpoint=nowhere.pth']
    done = subprocess.run(
        [*command, '--cfg-options', *options], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith('train: ')
    assert done.stderr.count('\n') == 1
    (log,) = tmp_path.glob('*/*.log')
    assert 'Traceback' in log.read_text()
