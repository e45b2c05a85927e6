import io
import re
import sys

import pytest
import rich
import toy_run
from mmengine.config import Config
from mmengine.hooks import Hook
from rich.progress import track

from mmdfkd.engine.hooks import StrictScheduleHook
from mmdfkd.engine.terminal import ProgressHook, TerminalRunner, _to_terminal
from mmdfkd.hardware import cpu_name
from mmdfkd.reports.run_logs import read_run


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def runner_of(monkeypatch):
    """A function that makes a runner with a terminal, or a file, as standard output."""
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.setenv('COLUMNS', '100')

    def make(output, folder, rounds=4):
        monkeypatch.setattr(sys, 'stdout', output)
        monkeypatch.setattr(rich, '_console', None)  # it looks once what its output is
        logger = dict(type='LoggerHook', interval=1, log_metric_by_epoch=False)
        return toy_run.toy_runner(
            folder,
            rounds,
            default_hooks=dict(logger=logger),
            log_processor=dict(by_epoch=False),
            train_cfg=dict(type=toy_run.IterBasedTrainLoop, max_iters=rounds, val_interval=2),
        )

    return make


def test_what_nobody_reads_is_in_the_logs_file_alone(runner_of, tmp_path):
    output = io.StringIO()
    runner_of(output, tmp_path).train()
    [file] = tmp_path.glob('*/*.log')
    told, log = output.getvalue(), file.read_text()
    for noise in ('System environment', 'Hooks will be executed', 'FileClient'):
        assert noise in log
        assert noise not in told
    assert f'config and hooks: {file}\n' in told
    for line in ('Iter(train) [4/4]', 'Iter(val)', 'Distillation summary'):
        assert line in log
        assert line in told
    assert '\x1b[?25l' not in told  # no bar in a file
    assert read_run(tmp_path, 'a run').environment['CPU'] == cpu_name()
    assert 'evaluating the teacher' not in told


def test_on_a_terminal_a_bar_stands_for_the_steps(runner_of, tmp_path):
    output = Terminal()
    runner = runner_of(output, tmp_path)
    runner.train()
    [file] = tmp_path.glob('*/*.log')
    told = re.sub(r'\x1b\[[\d;?]*[a-zA-Z]', '', output.getvalue())
    assert 'Iter(train)' in file.read_text()
    assert 'Iter(train)' not in told
    assert re.search(r'Iter\(val\) \[3/3\] +accuracy/top1', told)
    assert 'eta: ' not in told
    assert re.search('evaluating the teacher.* 100%', told)
    assert re.search(r'training .* 4/4 \d:\d\d:\d\d left', told)
    assert re.search(r'accuracy \d+\.\d\d % \(teacher \d+\.\d\d %\)  generator loss', told)
    assert 'Distillation summary' in told
    [bar] = [hook for hook in runner.hooks if isinstance(hook, ProgressHook)]
    bar.after_val_iter(runner, 1)
    assert bar._bar.tasks[0].fields['told'] == 'validating: 2 of 3'
    assert sys.stdout is output  # and not rich's any more
    runner.logger.info('Iter(train) [5/4]  eta: 0:00:00  after the run')
    assert 'after the run' in output.getvalue()


def test_a_run_that_fails_gives_the_terminal_back(runner_of, tmp_path):
    class Fail(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            raise FloatingPointError

    output = Terminal()
    runner = runner_of(output, tmp_path)
    runner.register_hook(Fail())
    with pytest.raises(FloatingPointError):
        runner.train()
    assert sys.stdout is output
    assert output.getvalue().rindex('\x1b[?25h') > output.getvalue().rindex('\x1b[?25l')


def test_a_validation_may_have_a_bar_of_its_own(runner_of, tmp_path):
    class Nested(Hook):
        def before_val(self, runner):
            assert list(track(range(3), 'within')) == [0, 1, 2]

    runner = runner_of(Terminal(), tmp_path)
    runner.register_hook(Nested())
    runner.train()
    assert runner.iter == 4


def test_a_resume_that_is_refused_leaves_the_config(monkeypatch, tmp_path):
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    config = tmp_path / 'toy.py'

    def run(rounds, **options):
        cfg = Config({'rounds': rounds}, cfg_text=' ', filename=config.name)
        runner = toy_run.toy_runner(tmp_path, rounds, checkpoint_interval=2, cfg=cfg, **options)
        runner.register_hook(StrictScheduleHook())
        return runner

    run(4)
    assert config.read_text() == 'rounds = 4\n'  # before the first round
    run(4).train()
    half = str(tmp_path / 'iter_2.pth')
    with pytest.raises(ValueError, match='should have the schedules'):
        run(6, resume=True, load_from=half).train()
    assert config.read_text() == 'rounds = 4\n'
    config.unlink()
    run(4, resume=True, load_from=half).train()
    assert config.read_text() == 'rounds = 4\n'


def test_a_resume_that_finds_nothing_writes_its_config(monkeypatch, tmp_path):
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    cfg = Config({'rounds': 2}, cfg_text=' ', filename='toy.py')
    toy_run.toy_runner(tmp_path, 2, cfg=cfg, resume=True).train()
    assert (tmp_path / 'toy.py').read_text() == 'rounds = 2\n'


def test_a_run_of_a_resumed_runs_config_begins_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    toy_run.toy_runner(tmp_path, 2, checkpoint_interval=1).train()
    half = str(tmp_path / 'iter_1.pth')
    cfg = Config(dict(resume=True, load_from=half), cfg_text=' ', filename='toy.py')
    runner = toy_run.toy_runner(tmp_path, 2, cfg=cfg, resume=True, load_from=half)
    runner.begins_from = 'first.pth'
    runner.train()
    written = Config.fromfile(tmp_path / 'toy.py')
    assert (written.resume, written.load_from) == (False, 'first.pth')
    assert runner.cfg.resume  # of this run it is true


def test_a_config_in_the_work_dir_stays_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    file = tmp_path / 'mine.py'
    file.write_text('rounds = 2  # a note\n')
    toy_run.toy_runner(tmp_path, 2, cfg=Config.fromfile(file))
    assert file.read_text() == 'rounds = 2  # a note\n'


def test_a_hook_of_any_name_can_be_switched_off(monkeypatch, tmp_path):
    monkeypatch.setattr(toy_run, 'Runner', TerminalRunner)
    hooks = dict(synthetic_grid=None, timer=None)
    runner = toy_run.toy_runner(tmp_path, 2, default_hooks=hooks)
    assert 'IterTimerHook' not in [type(hook).__name__ for hook in runner.hooks]
    assert 'LoggerHook' in [type(hook).__name__ for hook in runner.hooks]


def test_the_log_has_its_stream_where_rich_takes_no_output(runner_of, tmp_path, monkeypatch):
    monkeypatch.setenv('TTY_COMPATIBLE', '0')
    output = Terminal()
    runner = runner_of(output, tmp_path)
    before = [handler.stream for handler in _to_terminal(runner.logger)]
    runner.train()
    assert [handler.stream for handler in _to_terminal(runner.logger)] == before
