"""The parity scripts of Fast-Datafree and NAYER, where their public code is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1]
PEERS = os.environ.get('MMDFKD_PEERS')


@pytest.mark.parametrize(
    ('script', 'peer', 'tables'), [('fast_meta', 'Fast-Datafree', 2), ('nayer', 'NAYER', 1)]
)
def test_losses_and_gradients_are_the_public_codes(script, peer, tables):
    if PEERS is None or not (Path(PEERS) / peer).is_dir():
        pytest.skip(f'MMDFKD_PEERS should name a folder with a clone called {peer}')
    command = [sys.executable, str(SCRIPTS / f'{script}.py'), '--peer', str(Path(PEERS) / peer)]
    environment = os.environ | {'PYTHONPATH': str(SCRIPTS.parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('greatest relative difference') == tables


@pytest.mark.parametrize('script', ['fast_meta', 'nayer'])
def test_another_folder_is_refused(script, tmp_path):
    command = [sys.executable, str(SCRIPTS / f'{script}.py'), '--peer', str(tmp_path)]
    environment = os.environ | {'PYTHONPATH': str(SCRIPTS.parents[1])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode
    assert '--peer should be a clone of' in done.stderr
