"""The command for a GPU at toy length: real networks and configs, random images."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
#: mmdfkd.cli.reproduce, but the runs are forks, which spares a start of Python for each; CIFAR's
#: files are not checked to be the real ones, and a run may die where the file ``kill`` says.
#: The ResNets, which are slower by half, are left out: test_configs.py steps them.
REPRODUCE = """
import os, sys, traceback
from pathlib import Path
from types import SimpleNamespace

from mmdfkd.cli import reproduce, train
from mmpretrain.datasets import CIFAR10
from mmdfkd.engine.hooks import AtomicCheckpointHook

CIFAR10._check_integrity = lambda self: True
save, kill = AtomicCheckpointHook.after_train_iter, Path('kill')

def save_and_die(self, runner, *args, **kwargs):
    save(self, runner, *args, **kwargs)
    if kill.is_file() and kill.read_text() in runner.work_dir:
        kill.unlink()
        os._exit(9)

def run(command):
    child = os.fork()
    if child:
        return SimpleNamespace(returncode=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.argv = command[2:]
    try:
        train.main()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

AtomicCheckpointHook.after_train_iter = save_and_die
sys.argv = [argument for argument in sys.argv if '_r34_' not in argument]
reproduce.subprocess = SimpleNamespace(run=run)
reproduce.main()
"""


def write_cifar(folder, files, key, num_classes):
    folder.mkdir(parents=True)
    for file in files:
        entry = {'data': np.random.default_rng(0).integers(256, size=(20, 3072), dtype=np.uint8)}
        entry[key] = [image % num_classes for image in range(20)]
        (folder / file).write_bytes(pickle.dumps(entry))


@pytest.fixture
def checkout(tmp_path):
    """The script and the configs, beside small data sets of CIFAR's form."""
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools/reproduce.py').write_text(REPRODUCE)
    shutil.copy(ROOT / 'tools/reproduce_cifar.sh', tmp_path / 'tools')
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    batches = [*(f'data_batch_{n}' for n in range(1, 6)), 'test_batch']
    write_cifar(tmp_path / 'data/cifar10/cifar-10-batches-py', batches, 'labels', 10)
    folder = tmp_path / 'data/cifar100/cifar-100-python'
    write_cifar(folder, ['train', 'test'], 'fine_labels', 100)
    return tmp_path


def reproduce(checkout):
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    return subprocess.run(
        ['bash', str(checkout / 'tools/reproduce_cifar.sh'), '--toy'],
        env=os.environ | {'PATH': path, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )


def test_all_of_it_runs_at_toy_length_and_goes_on_after_a_kill(checkout):
    (checkout / 'kill').write_text('dedfkd_wrn402_wrn162_cifar100/seed0')
    killed = reproduce(checkout)
    assert 'failed with exit status 9' in killed.stderr, killed.stderr[-2000:]
    assert killed.stdout.count('$ ') == 4  # teacher, student; teacher, half a student
    done = reproduce(checkout)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count('$ ') == 1  # the other half
    toys = checkout / 'work_dirs/cifar/toy'
    half = sorted((toys / 'dedfkd_wrn402_wrn162_cifar100/seed0').glob('*/vis_data/scalars.json'))
    assert [re.findall(r'"iter": (\d)', log.read_text()) for log in half] == [['1'], ['2']]
    assert not (checkout / 'work_dirs/teachers').exists()  # a toy is nobody else's teacher
    table = (toys / 'results.md').read_text()
    assert table.startswith('**A toy')
    rows = [line.split('|')[1:-1] for line in table.splitlines() if line.startswith('| `')]
    assert [[cell.strip(' `') for cell in row][::2][:2] for row in rows] == [
        ['teachers/wrn40_2_cifar10', '-'],
        ['dedfkd_wrn402_wrn162_cifar10', rows[1][3].strip()],
        ['teachers/wrn40_2_cifar100', '-'],
        ['dedfkd_wrn402_wrn162_cifar100', rows[3][3].strip()],
    ]
