"""What README tells a user to run exists, and its main job runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / 'README.md').read_text()
FOLDERS = ('configs', 'docs', 'projects')
DOCUMENTS = [ROOT / 'README.md', *(p for f in FOLDERS for p in sorted((ROOT / f).rglob('*.md')))]


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(document):
    names = re.findall(
        r'\b(?:configs|tools|docs|tests|mmdfkd|projects)/[\w/.-]+\.\w+', document.read_text()
    )
    made = 'docs/_build/'  # the site that is built
    missing = [name for name in names if not (ROOT / name).exists() and made not in name]
    assert not missing


def test_code_comes_by_line_20():
    assert any(line.startswith('```') for line in README.splitlines()[:20])


def test_quickstart_runs():
    pytest.importorskip('mlxtend')
    assert 'bash tools/quickstart.sh' in README
    seed = '31415926'
    done = subprocess.run(
        [
            'bash',
            'tools/quickstart.sh',
            'train_cfg.max_iters=3',
            'model.kd_steps=2',
            'model.memory.capacity=500',
        ],
        cwd=ROOT,
        env=os.environ | {'VENV': sys.prefix, 'SEED': seed},
        capture_output=True,
        text=True,
    )
    work_dir = ROOT / f'work_dirs/dedfkd_lenet5_mnist5k/seed{seed}'
    try:
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-2000:]
        summary = output[output.index('Distillation summary') :]
        teacher, student = map(float, re.search(r'accuracy/top1 +(\S+) +(\S+)', summary).groups())
        assert teacher > 95 > student
        pictures = Path(re.search(r'pictures +(\S+)', summary)[1])
        assert list(pictures.glob('*.png'))
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


def test_quickstart_goes_on_with_the_teacher_of_an_interrupted_one(tmp_path):
    (tmp_path / 'tools').mkdir()
    for name in ('quickstart.sh', 'cpu_env.sh'):
        shutil.copy(ROOT / 'tools' / name, tmp_path / 'tools')
    python = tmp_path / 'venv/bin/python'
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    told = subprocess.run(
        ['bash', 'tools/quickstart.sh'],
        cwd=tmp_path,
        env=os.environ | {'VENV': str(tmp_path / 'venv')},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 'tools/train.py configs/teachers/lenet5_mnist5k.py --resume auto\n' in told
