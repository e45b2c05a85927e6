import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmdfkd.benchmark import Cell, cells, make_config
from mmdfkd.engine.length import rounds_within
from mmdfkd.registry import HOOKS

DIGITS = Path(__file__).parents[2] / 'configs/dedfkd_lenet5_mnist5k.py'


@pytest.mark.parametrize('seed', [0, 2])
def test_each_seed_can_have_a_teacher_of_its_own(seed):
    option = {'model.teacher.checkpoint': 'teachers/seed{seed}.pth', 'model.kd_steps': 3}
    cell = Cell(DIGITS, DIGITS, seed, 1.0, Path(), option)
    cfg = make_config(cell, rounds=62)
    assert cfg.model.teacher.checkpoint == f'teachers/seed{seed}.pth'
    assert cfg.model.kd_steps == 3
    assert cell.key['options']['model.teacher.checkpoint'] == 'teachers/seed{seed}.pth'


def test_the_seed_is_put_into_lists_too():
    options = {'a': ['x{seed}', 1], 'b': {'c': ('{seed}{seed}',)}}
    cell = Cell(DIGITS, DIGITS, 7, 1.0, Path(), options)
    assert cell.own_options == {'a': ['x7', 1], 'b': {'c': ('77',)}}


def test_what_a_config_leaves_to_mmengine_is_set(tmp_path):
    cfg = Config.fromfile(DIGITS)
    for name in ('log_processor', 'randomness', 'default_hooks'):
        cfg.pop(name)
    cfg.dump(tmp_path / 'bare.py')
    made = make_config(Cell(tmp_path / 'bare.py', DIGITS, 3, 1.0, Path(), {}), rounds=400)
    assert made.randomness.seed == 3
    assert made.default_hooks.logger.interval == made.log_processor.window_size == 4
    assert made.default_hooks.checkpoint.interval == 40
    assert not made.log_processor.by_epoch
    assert {'AtomicCheckpointHook', 'LoggerHook'} <= {
        HOOKS.get(hook.type).__name__ for hook in made.default_hooks.values()
    }


@pytest.mark.parametrize('option', ['default_hooks.logger.interval', 'log_processor.window_size'])
def test_what_the_minutes_are_counted_by_is_no_option(option):
    with pytest.raises(ValueError, match=r'logger.interval and .* should stay as they are'):
        make_config(Cell(DIGITS, DIGITS, 0, 1.0, Path(), {option: 50}), rounds=400)


def test_a_warm_up_may_be_given_whole():
    cell = Cell(DIGITS, DIGITS, 0, 1.0, Path(), {'model.warmup_rounds': 5})
    assert make_config(cell).model.warmup_rounds == 5


@pytest.mark.parametrize(
    ('status', 'told'),
    [
        (1, r'^last words \(all'),
        (-9, r'^killed by SIGKILL \(out of memory\?\) after: last words'),
        (-15, r'^killed by SIGTERM after: last words'),
    ],
)
def test_how_a_training_ended_is_told(tmp_path, monkeypatch, status, told):
    def popen(command, stdout, stderr):
        stdout.write('first\nlast words\n')
        stdout.flush()
        return SimpleNamespace(returncode=status, poll=lambda: status)

    monkeypatch.setattr(cells, 'subprocess', SimpleNamespace(Popen=popen, STDOUT=None))
    with pytest.raises(RuntimeError, match=told):
        cells._train(Config(), tmp_path, threading.Event())


@pytest.mark.parametrize(
    ('seconds', 'timed', 'rounds'),
    [
        ({2: (0.1, 0.4), 8: (0.04, 0.28)}, [2, 8], 7500),
        ({2: (20.0, 40.0)}, [2], 40),  # eight of each kind would take 8 of the 20 minutes
    ],
)
def test_long_rounds_are_timed_less_often(tmp_path, monkeypatch, seconds, timed, rounds):
    taken = []

    def seconds_a_round(cell, count, stop):
        taken.append(count)
        return seconds[count]

    monkeypatch.setattr(cells, '_seconds_a_round', seconds_a_round)
    half_waits = Config(dict(model=dict(warmup_rounds=cells._LONG // 2)))
    monkeypatch.setattr(cells, 'make_config', lambda cell: half_waits)
    cell = Cell(DIGITS, DIGITS, 0, 20.0, tmp_path, {})
    cell.folder.mkdir(parents=True)
    assert cells.planned_rounds(cell, threading.Event()) == rounds
    assert taken == timed


def test_a_run_is_planned_and_told_by_processor_time_a_thread(tmp_path, monkeypatch):
    def records(_):
        return [
            dict(iter=i, round=i, step=i, processor_time=2.0 if i <= 8 else 12.0)
            for i in range(1, 17)
        ]

    monkeypatch.setattr(cells, '_train', lambda *_: None)
    monkeypatch.setattr(cells, '_records', records)
    monkeypatch.setattr(cells.torch, 'get_num_threads', lambda: 2)
    monkeypatch.setattr(cells.torch.cuda, 'is_available', lambda: False)
    config = DIGITS.with_name('dedfkd_wrn162_wrn161_cifar10.py')
    cell = Cell(config, config, 0, 20.0, tmp_path, {})
    cell.folder.mkdir(parents=True)
    warmup = Config.fromfile(config).model.warmup_rounds
    expected = rounds_within(20 * 60, warmup, 1.0, 6.0)
    assert expected > 100
    assert cells.planned_rounds(cell, threading.Event()) == expected


def test_the_curve_of_a_result_has_the_minutes_of_training_before_each_figure(
    tmp_path, monkeypatch
):
    cell = Cell(DIGITS, DIGITS, 0, 1.0, tmp_path, {})
    cell.folder.mkdir(parents=True)
    trained = [dict(iter=i, round=i, processor_time=1.5 * i, loss=0.0) for i in (10, 20, 30)]
    found = [
        {'accuracy/top1': accuracy, 'round': step} for step, accuracy in ((15, 40.0), (30, 90.0))
    ]
    monkeypatch.setattr(cells, 'planned_rounds', lambda *_: 30)
    monkeypatch.setattr(cells, 'read_run', lambda *_: dict(teacher=99.0, accuracy=90.0))
    monkeypatch.setattr(cells, '_records', lambda _: [*trained, *found])
    distiller = SimpleNamespace(num_images=lambda *_: 60)  # no teacher is there
    monkeypatch.setattr(cells.MODELS, 'build', lambda _: distiller)
    monkeypatch.setattr(cells, 'origin', lambda _: dict(threads=2))
    monkeypatch.setattr(cells.torch.cuda, 'is_available', lambda: False)
    result = cells.run_cell(cell, threading.Event())
    # 10 rounds of 7.5 s a thread, 10 of 15 s, 10 of 22.5 s
    assert result['curve'] == [(1.25, 40.0), (7.5, 90.0)]
    assert result['minutes'] == 7.5
