import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from two_processes_figures import figures

TESTS = Path(__file__).parents[2]


@pytest.mark.filterwarnings('ignore:FID .*should have more images', 'ignore:each class should')
@pytest.mark.skipif(torch.cuda.is_available(), reason='the CPU path')
def test_two_processes_report_what_one_does(tmp_path):
    launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    done = subprocess.run(
        [sys.executable, *launch, str(TESTS / 'two_processes_figures.py'), str(tmp_path)],
        env=os.environ | {'PYTHONPATH': f'{TESTS.parent}:{TESTS}', 'OMP_NUM_THREADS': '1'},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = figures(None)
    for name in ('fidelity/fid_class_2_floor', 'diversity/collapsed_real', 'agreement/kl_augment'):
        assert name in expected
    for rank in (0, 1):
        computed, known = torch.load(tmp_path / f'rank_{rank}.pth', weights_only=True)
        assert known == computed
        assert computed == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert len(list((tmp_path / 'known').iterdir())) == 2  # real and floor
    # A single process finds what two have kept.
    assert figures(str(tmp_path / 'known')) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert len(list((tmp_path / 'known').iterdir())) == 2
