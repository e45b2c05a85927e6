import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import toy_dedfkd

from mmdfkd.engine.distributed import init_cpu_processes

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


def test_another_launcher_wants_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match="should be 'pytorch' where torch sees no GPU"):
        init_cpu_processes('slurm')
    init_cpu_processes('none')
