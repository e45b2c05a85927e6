"""One command from a teacher's weights to a student, a config and a report."""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import own_nets
import pytest
import torch
from mmengine.config import Config

from mmdfkd.cli import distill, train
from mmdfkd.models.classifiers import Classifier
from mmdfkd.own_teacher import make_recipe

NAMED = ['own_nets:with_bn', '--weights', 'teacher.pth', '--image-size', '8']
PIXELS = ['--mean', '120', '110', '100', '--std', '60', '60', '60']


@pytest.fixture(autouse=True)
def _small(monkeypatch, tmp_path):
    """An empty folder with a teacher, and runs of few images."""
    monkeypatch.setattr(sys, 'path', sys.path[:])
    monkeypatch.chdir(tmp_path)
    own_nets.save(own_nets.with_bn, tmp_path / 'teacher.pth')

    def recipe(pair, rounds=None):
        return replace(make_recipe(pair, rounds), batch_size=6, capacity=24)

    monkeypatch.setattr(distill, 'make_recipe', recipe)
    write = distill.config_text

    def text(*args, **kwargs):
        return write(*args, **kwargs) + 'model.update(g_steps=2, kd_steps=2)\n'

    monkeypatch.setattr(distill, 'config_text', text)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['mmdfkd distill', *NAMED, *PIXELS, *arguments])
    distill.main()


def test_a_teacher_gives_a_student_a_config_and_a_report(monkeypatch, tmp_path, capsys):
    for label in range(3):
        (tmp_path / f'test/{label}').mkdir(parents=True)
        picture = np.full((9, 12, 3), 80 * label, np.uint8)
        cv2.imwrite(str(tmp_path / f'test/{label}/1.png'), picture)
    run(monkeypatch, '--rounds', '2', '--test', 'test')
    told = capsys.readouterr().out
    assert 'own_nets:with_bn: 1,043 parameters, 3 classes, with batch norms' in told
    assert 'the teacher without 1.1, 3.1, 5.1' in told
    work_dir = tmp_path / 'work_dirs/distill_own_nets_with_bn'
    page = (work_dir / 'report.html').read_text()
    assert 'accuracy/top1' in page
    described = Config.fromfile(work_dir / 'student/student.py')
    student = Classifier(
        {k: v for k, v in described.model.items() if k != 'data_preprocessor'},
        str(work_dir / 'student/student.pth'),
    )
    trained = torch.load(work_dir / 'iter_2.pth', weights_only=True)['state_dict']
    assert all(
        v.equal(trained[f'student.network.{k}']) for k, v in student.network.state_dict().items()
    )

    config = f'{work_dir}.py'
    assert Path(config).read_text().count('# mmdfkd distill own_nets:with_bn --weights') == 1
    train.main([config, '--work-dir', 'again', '--rounds', '1'])
    assert Path('again/iter_1.pth').is_file()

    with pytest.raises(ValueError, match='--work-dir should be new'):
        run(monkeypatch, '--rounds', '2', '--test', 'test')
    (work_dir / 'iter_2.pth').unlink()
    (work_dir / 'last_checkpoint').unlink()
    run(monkeypatch, '--rounds', '2', '--test', 'test', '--resume')
    again = torch.load(work_dir / 'iter_2.pth', weights_only=True)['state_dict']
    assert all(value.equal(again[key]) for key, value in trained.items())


def test_minutes_are_filled_with_rounds(monkeypatch):
    monkeypatch.setattr(train, 'main', lambda _: None)
    monkeypatch.setattr(distill, 'finish', lambda *_: None)
    run(monkeypatch, '--minutes', '0.5', '--work-dir', 'w')
    cfg = Config.fromfile('w.py')
    assert cfg.train_cfg.max_iters > 20  # 30 s of rounds of milliseconds
    assert cfg.model.warmup_rounds < cfg.train_cfg.max_iters


def test_resume_wants_the_same_command(monkeypatch):
    with pytest.raises(ValueError, match=r'--resume should go on with the command that wrote w'):
        run(monkeypatch, '--work-dir', 'w', '--resume')
    Path('w.py').write_text('# mmdfkd distill another\n')
    with pytest.raises(ValueError, match=r'go on with: mmdfkd train w\.py --work-dir w --resume'):
        run(monkeypatch, '--work-dir', 'w', '--resume')


def test_a_file_that_is_there_is_not_replaced(monkeypatch):
    Path('w.py').write_text('mine = True\n')
    with pytest.raises(ValueError, match=r'w\.py should be a new file'):
        run(monkeypatch, '--work-dir', 'w')
    assert Path('w.py').read_text() == 'mine = True\n'
