"""One folder, one run: used ones are refused, or their run is moved aside."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy_run import toy_runner

from mmdfkd.engine.work_dir import claim, newest_checkpoint


def used(folder, *names, marker=None):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    if marker is not None:
        (folder / 'last_checkpoint').write_text(marker)
    return folder


@pytest.mark.parametrize(
    ('names', 'marker', 'found'),
    [
        ([], None, None),
        (['iter_5.pth', 'iter_10.pth'], None, 'iter_10.pth'),
        (['iter_5.pth', 'iter_10.pth'], '/elsewhere/iter_5.pth', 'iter_5.pth'),
        (['iter_5.pth', 'iter_10.pth'], '/elsewhere/iter_10.pth', 'iter_10.pth'),
        (['iter_5.pth', 'iter_15.pth'], '/elsewhere/iter_10.pth', 'iter_5.pth'),
        (['epoch_2.pth'], '', 'epoch_2.pth'),
        (['best_accuracy_top1_iter_5.pth'], None, None),
        ([], '/elsewhere/iter_10.pth', None),
    ],
)
def test_the_newest_checkpoint_is_of_this_folder(tmp_path, names, marker, found):
    used(tmp_path, *names, marker=marker)
    for age, name in enumerate(names):  # a copy may be of any age
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert newest_checkpoint(tmp_path) == (found and str(tmp_path / found))


def test_a_url_is_left_to_the_safe_reader(tmp_path):
    used(tmp_path, marker='http://localhost/iter_1.pth')
    assert newest_checkpoint(tmp_path) == 'http://localhost/iter_1.pth'


@pytest.mark.parametrize(
    ('names', 'resume', 'told'),
    [
        (['iter_5.pth'], None, r'--work-dir should be new, but .* has a run with iter_5.pth; add '),
        (['best_top1_epoch_3.pth'], None, r'has a run with best_top1_epoch_3.pth'),
        ([], 'newest', r'--resume should find a checkpoint in .*, but none is there'),
        (['iter_5.pth', 'iter_9.pth'], 'iter_5.pth', r'got iter_5.pth before iter_9.pth; give'),
        (['iter_5.pth'], '/elsewhere/iter_3.pth', r'--work-dir should be new'),
    ],
)
def test_a_used_folder_is_refused(tmp_path, monkeypatch, names, resume, told):
    monkeypatch.chdir(used(tmp_path, *names))
    with pytest.raises(ValueError, match=told):
        claim(tmp_path, resume)
    assert {*names} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize('place', ['run/round_5.pth', 'elsewhere/iter_5.pth'])
def test_a_run_whose_checkpoints_are_of_another_name_or_place_is_seen(tmp_path, place):
    """Of CheckpointHook's filename_tmpl and out_dir: a second run began among its files."""
    (tmp_path / 'elsewhere').mkdir()
    used(tmp_path / 'run', marker=str(tmp_path / place))
    (tmp_path / place).touch()
    with pytest.raises(ValueError, match=rf'has a run with {Path(place).name}; add --resume'):
        claim(tmp_path / 'run')
    claim(tmp_path / 'run', 'auto')
    claim(tmp_path / 'run', force=True)
    claim(tmp_path / 'run')


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    told = []
    monkeypatch.setattr(
        'mmdfkd.engine.work_dir.print_log', lambda message, **_: told.append(message)
    )
    monkeypatch.setattr('fcntl.lockf', fail)
    claim(tmp_path)
    assert 'no locks (No locks available): see that no second run' in told[0]


@pytest.mark.parametrize(
    ('names', 'resume'),
    [
        ([], None),
        ([], 'auto'),
        (['iter_5.pth'], 'auto'),
        (['iter_5.pth'], 'newest'),
        (['iter_5.pth', 'iter_9.pth'], 'iter_9.pth'),
        ([], '/elsewhere/iter_3.pth'),
        (['teacher.pth'], 'auto'),
    ],
)
def test_what_replaces_nothing_may_begin(tmp_path, monkeypatch, names, resume):
    monkeypatch.chdir(used(tmp_path, *names))
    claim(tmp_path, resume)
    claim(tmp_path, resume)  # and again, in this process


def test_force_moves_the_run_aside(tmp_path):
    used(tmp_path, 'iter_5.pth', 'config.py', 'figures.json', marker='iter_5.pth')
    own = ['notes.txt', 'teacher.pth', 'labels.json', 'my_net.py']
    used(tmp_path, *own)
    (tmp_path / 'my_net.py').write_text('import torch\n')
    (tmp_path / '20260101_000000/vis_data').mkdir(parents=True)
    claim(tmp_path, force=True)
    aside = tmp_path / 'replaced_1'
    assert {path.name for path in tmp_path.iterdir()} == {'replaced_1', '.lock', *own}
    assert (aside / 'iter_5.pth').read_text() == 'iter_5.pth'
    assert (aside / '20260101_000000/vis_data').is_dir()
    used(tmp_path, 'iter_5.pth', 'iter_9.pth')
    claim(tmp_path, str(tmp_path / 'iter_5.pth'), force=True)
    assert (tmp_path / 'iter_5.pth').is_file()
    assert [path.name for path in (tmp_path / 'replaced_2').iterdir()] == ['iter_9.pth']


def test_force_moves_checkpoints_of_another_name(tmp_path):
    used(
        tmp_path, 'round_5.pth', 'round_10.pth', 'rounds.pth', marker=str(tmp_path / 'round_10.pth')
    )
    claim(tmp_path, force=True)
    moved = {path.name for path in (tmp_path / 'replaced_1').iterdir()}
    assert moved == {'round_5.pth', 'round_10.pth', 'last_checkpoint'}
    assert (tmp_path / 'rounds.pth').is_file()


HOLD = 'import sys, time; from mmdfkd.engine.work_dir import claim; claim(sys.argv[1], "auto")\n'
HOLD += 'import os\nos.fork() or time.sleep(60)\nprint("held", flush=True)\ntime.sleep(60)'


def test_two_at_once_are_refused_and_a_killed_run_blocks_nobody(tmp_path):
    held = subprocess.Popen(
        [sys.executable, '-c', HOLD, str(tmp_path)], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert held.stdout.readline() == b'held\n'
        with pytest.raises(ValueError, match=rf'of one run at a time, but process {held.pid} on'):
            claim(tmp_path, 'auto')
        held.kill()  # and not the loader that it forked
        held.wait()
        deadline = time.monotonic() + 5
        claim(tmp_path, 'auto')
        assert time.monotonic() < deadline
    finally:
        os.killpg(held.pid, signal.SIGKILL)
        held.stdout.close()


def test_a_copied_work_dir_goes_on_from_its_own_checkpoint(tmp_path):
    toy_runner(tmp_path / 'run', 4, checkpoint_interval=2).train()
    shutil.copytree(tmp_path / 'run', tmp_path / 'copy')
    file = tmp_path / 'run/iter_4.pth'
    state = torch.load(file, weights_only=True)
    state['meta']['iter'] = 1
    torch.save(state, file)
    runner = toy_runner(tmp_path / 'copy', 4, resume=True)
    runner.call_hook('before_run')
    runner.load_or_resume()
    assert runner.iter == 4
    assert (tmp_path / 'copy/last_checkpoint').read_text() == str(tmp_path / 'copy/iter_4.pth')


def test_half_a_checkpoint_that_a_kill_left_is_removed(tmp_path):
    used(tmp_path, 'iter_5.pth', 'iter_10.pth.part', 'last_checkpoint.part', 'film.part')
    claim(tmp_path, 'auto')
    assert {path.name for path in tmp_path.iterdir()} == {'iter_5.pth', 'film.part', '.lock'}
