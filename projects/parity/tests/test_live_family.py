"""DAFL, DFAD, ZSKT and DFQ give what their public code gives; MMDFKD_PEERS has the clones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PARITY = Path(__file__).parents[1]
PEERS = dict(
    dafl='Efficient-Computing',
    dfad='Data-Free-Adversarial-Distillation',
    zskt='ZeroShotKnowledgeTransfer',
    dfq='CMI',
)


@pytest.mark.parametrize('method', PEERS)
def test_losses_and_gradients_are_those_of_the_public_code(method):
    peer = Path(os.environ.get('MMDFKD_PEERS', '')) / PEERS[method]
    if 'MMDFKD_PEERS' not in os.environ or not peer.is_dir():
        pytest.skip(f'MMDFKD_PEERS names no folder with a clone {PEERS[method]}')
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', PARITY / f'{method}.py', '--peer', peer],
        env=os.environ | {'PYTHONPATH': str(PARITY.parents[1])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert 'gradients' in done.stdout
