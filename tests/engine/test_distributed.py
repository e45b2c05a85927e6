import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import toy_dedfkd

from mmdfkd.engine.distributed import join_processes

TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path; a GPU takes MMEngine’s')
def test_two_processes_share_weights_and_make_images_of_their_own(tmp_path):
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    done = subprocess.run(
        [sys.executable, *launch, str(TESTS / 'two_processes.py'), str(tmp_path)],
        env=os.environ | {'PYTHONPATH': str(TESTS), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (
        torch.load(tmp_path / f'rank_{rank}.pth', weights_only=True) for rank in (0, 1)
    )
    weights = [name for name, _ in toy_dedfkd().named_parameters() if 'teacher' not in name]
    assert weights
    assert all(first[f'{unwrapped(name)}'].equal(second[unwrapped(name)]) for name in weights)
    assert not first['bank.images'].equal(second['bank.images'])


def unwrapped(name):
    """The name as MMEngine's separate wrapper has it: each part behind a ``module.``."""
    part, rest = name.split('.', 1)
    return f'{part}.module.{rest}'


@pytest.mark.parametrize(
    ('launcher', 'variables'),
    [
        ('slurm', ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID')),
        (
            'mpi',
            ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
        ),
    ],
)
def test_slurm_and_mpi_join_without_a_gpu(monkeypatch, launcher, variables):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '5')  # whatever was there before
    for name, value in zip(variables, '010', strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', '0')  # any free one
    join_processes(launcher)
    try:
        assert torch.distributed.get_backend() == 'gloo'
        assert torch.distributed.get_world_size() == 1
        assert os.environ['LOCAL_RANK'] == '0'
    finally:
        torch.distributed.destroy_process_group()


def test_a_launcher_wants_its_own_environment(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(ValueError, match=r'--launcher slurm should find .*SLURM_PROCID'):
        join_processes('slurm')
    join_processes('none')
