import json
import subprocess
from pathlib import Path

import pytest

from mmdfkd.reports import results

ROOT = Path(__file__).parents[2]


def write_log(folder, *lines):
    folder = folder / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))


def accuracy(student, step=100):
    figures = {'accuracy/top1': student, 'teacher/accuracy/top1': 99.0, 'time': 0.5}
    return figures | {'step': step}


def test_a_resumed_runs_figures_are_those_of_the_whole(tmp_path):
    write_log(
        tmp_path / '1',
        {'iter': 50, 'time': 2.0, 'memory': 100},
        {'iter': 100, 'time': 9.0, 'memory': 300},
        accuracy(80.0),
    )
    write_log(tmp_path / '2', {'iter': 100, 'time': 3.0, 'memory': 200}, accuracy(90.0))
    run = results.read_run(tmp_path, 100)
    assert run == {'accuracy': 90, 'teacher': 99, 'minutes': (100 + 150) / 60, 'memory': 300}


def test_an_early_accuracy_is_not_taken_for_the_last(tmp_path):
    write_log(tmp_path / '1', {'iter': 100, 'time': 2.0}, accuracy(80.0, step=50))
    log = tmp_path / '1/vis_data/scalars.json'
    log.write_text(log.read_text() + '\n{"accuracy/top1": 9')
    assert results.read_run(tmp_path, 100) is None


def test_a_teachers_last_epoch_counts(tmp_path):
    lines = [{'epoch': 2, 'iter': 20, 'time': 3.0, 'step': 20}, {'accuracy/top1': 9.0, 'step': 2}]
    write_log(tmp_path / '1', *lines)
    run = results.read_run(tmp_path, 2)
    assert run == {'accuracy': 9, 'minutes': 1, 'memory': 0}


def test_a_teacher_and_its_students_are_rows_of_one_table():
    teacher = dict(accuracy=95.0, minutes=30.0, memory=0)
    students = [dict(accuracy=value, teacher=95.0, minutes=9, memory=7) for value in (89, 91)]
    lines = results.table({'t': [teacher], 's': students, 'not yet': []}, 'python').splitlines()
    assert lines[2:5] == [
        '| `t` | 95.00 | - | - | 1 | 30.0 | - |',
        '| `s` | 95.00 | 90.00 ± 1.41 | 89.00, 91.00 | 2 | 9.0 | 7 |',
        '',
    ]


def missing(*_, **__):
    raise FileNotFoundError


@pytest.mark.parametrize('git', [True, False])
def test_the_commit_is_named_where_there_is_one(monkeypatch, git):
    head = subprocess.run(['git', '-C', ROOT, 'rev-parse', 'HEAD'], capture_output=True, text=True)
    if not git:
        monkeypatch.setattr(results.subprocess, 'run', missing)
    expected = head.stdout.strip() if git else ''
    assert f'- commit: {expected or "-"}\n' in results.table({}, 'python')
