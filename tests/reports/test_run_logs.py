import json
import os

import pytest
from report_runs import make_run, png, session, train_line, val_line

from mmdfkd.engine.work_dir import note_session
from mmdfkd.reports.run_logs import read_run


def test_a_resumed_run_is_one_curve_and_the_later_session_wins(tmp_path):
    run = tmp_path / 'run'
    first = [train_line(10), val_line(20, 50.0), train_line(20, 2.0), train_line(30, 7.0)]
    session(run, '20260101_000000', first, pictures=[(10, png(1)), (30, png(2))])
    second = [train_line(30, 3.0), train_line(40, 4.0), val_line(40, 60.0)]
    session(run, '20260102_000000', second, pictures=[(30, png(3))])
    found = read_run(run, 'run')
    assert found.train['generator/loss'] == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)]
    assert found.val['accuracy/top1'] == [(20, 50.0), (40, 60.0)]
    assert found.pictures == {'synthetic': {10: png(1), 30: png(3)}}
    assert found.minutes == pytest.approx(40 * 3 / 60)
    assert found.sessions == 2
    assert found.class_names == []
    names = run / '20260102_000000/class_names.json'
    for text, read in (('["cat", 1]', ['cat', '1']), ('["ca', []), ('{"a": 1}', [])):
        names.write_text(text)
        assert read_run(run, 'run').class_names == read
    assert found.images == 480
    (run / '20260102_000000/image_counts.json').unlink()  # of an older run
    assert read_run(run, 'run').images is None
    # A run begun anew in the same folder has nothing of the old one.
    session(run, '20260103_000000', [train_line(10, 9.0)])
    assert read_run(run, 'run').train['generator/loss'] == [(10, 9.0)]


def test_validations_that_count_epochs_are_placed_after_the_training_before(tmp_path):
    epochs = [
        {'loss': 2.0, 'time': 1.0, 'epoch': 1, 'iter': 50, 'step': 50},
        {'accuracy/top1': 40.0, 'step': 1},
        {'loss': 1.0, 'time': 1.0, 'epoch': 2, 'iter': 100, 'step': 100},
        {'accuracy/top1': 50.0, 'step': 2},
    ]
    session(tmp_path / 'teacher', '20260101_000000', map(json.dumps, epochs))
    found = read_run(tmp_path / 'teacher', 'teacher')
    assert found.val['accuracy/top1'] == [(50, 40.0), (100, 50.0)]
    session(tmp_path / 'old', '20260101_000000', [train_line(10), val_line(0, 5.0)])
    found = read_run(tmp_path / 'old', 'old')
    assert found.val['accuracy/top1'] == [(10, 5.0)]


def test_sessions_are_in_the_order_in_which_they_began(tmp_path):
    """A clock that is set back, as summer time's, does not turn a run round."""
    run = tmp_path / 'run'
    first, second = [train_line(10, 1.0), train_line(20, 2.0)], [train_line(20, 3.0)]
    session(run, '20261025_023000', first, pictures=[(20, png(1))])
    session(run, '20261025_021000', second, pictures=[(20, png(2))])
    for name in ('20261025_023000', '20261025_021000'):
        note_session(run, name)
    found = read_run(run, 'run')
    assert found.train['generator/loss'] == [(10, 1.0), (20, 3.0)]
    assert found.pictures == {'synthetic': {20: png(2)}}
    session(run, '20261024_000000', [train_line(5, 0.5)])  # of before there were notes
    assert read_run(run, 'run').train['generator/loss'] == [(5, 0.5), (10, 1.0), (20, 3.0)]


def test_a_session_may_begin_with_the_validation_that_a_kill_prevented(tmp_path):
    run = tmp_path / 'run'
    session(run, '20260101_000000', [train_line(10, 1.0), train_line(20, 2.0)])
    session(run, '20260102_000000', [val_line(20, 60.0), train_line(30, 3.0), val_line(30, 61.0)])
    session(run, '20260103_000000', [val_line(30, 61.0)])  # of a run that was over
    found = read_run(run, 'run')
    assert found.train['generator/loss'] == [(10, 1.0), (20, 2.0), (30, 3.0)]
    assert found.val['accuracy/top1'] == [(20, 60.0), (30, 61.0)]


def test_so_it_may_where_validations_count_epochs(tmp_path):
    teacher = tmp_path / 'teacher'
    trained = [dict(loss=1.0, epoch=e, iter=50 * e, step=50 * e) for e in (1, 2, 3)]
    session(teacher, '20260101_000000', map(json.dumps, trained[:2]))
    again = [{'accuracy/top1': 40.0, 'step': 2}, trained[2], {'accuracy/top1': 50.0, 'step': 3}]
    session(teacher, '20260102_000000', map(json.dumps, again))
    session(teacher, '20260103_000000', [json.dumps({'accuracy/top1': 50.0, 'step': 3})])
    found = read_run(teacher, 'teacher')
    assert found.train['loss'] == [(50, 1.0), (100, 1.0), (150, 1.0)]
    assert found.val['accuracy/top1'] == [(100, 40.0), (150, 50.0)]


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no run has logged anything there$'):
        read_run(tmp_path, 'name')
    make_run(tmp_path / 'a')
    with pytest.raises(FileNotFoundError, match=r"give one of the folders in it: \['a'\]"):
        read_run(tmp_path, 'name')
    session(tmp_path / 'b', '20260101_000000', [])
    with pytest.raises(FileNotFoundError, match=r'no run has logged anything there$'):
        read_run(tmp_path / 'b', 'name')


def test_the_config_is_that_of_the_last_session_not_of_a_run_that_made_way(tmp_path):
    run = make_run(tmp_path / 'run')
    for age, name in enumerate(('my_config', 'a_before', 'replaced_1')):
        (run / f'{name}.py').write_text('')
        os.utime(run / f'{name}.py', (1e9 - age, 1e9 - age))
    os.utime(run / 'replaced_1.py', (2e9, 2e9))
    assert read_run(run, 'run').config_file == 'my_config'


@pytest.mark.parametrize(
    'content', [b'[1]', b'{"accuracy": 93.1}', b'{"settings": 1}', '{"a": 1}'.encode('utf-16')]
)
def test_figures_of_others_are_left_out(tmp_path, content):
    run = make_run(tmp_path / 'run')
    (run / 'figures.json').write_bytes(content)
    (run / 'robustness.json').write_bytes(content)
    assert read_run(run, 'run').figures == {}
