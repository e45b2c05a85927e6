import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmdfkd.benchmark import Cell, note_settings, settings

HOLD = """
import fcntl, sys
file = open(sys.argv[1], 'a+')
fcntl.lockf(file, fcntl.LOCK_EX)
print('process 1', file=file, flush=True)
print(flush=True)
input()
"""


@pytest.mark.parametrize('name', ['run', 'timing_2'])
def test_what_another_process_trains_is_not_deleted(tmp_path, monkeypatch, name):
    cell = Cell(Path('m.py'), Path('p.py'), 0, 1.0, tmp_path, {})
    monkeypatch.setattr(settings, 'make_config', lambda _: Config(dict(kd_steps=1)))
    note_settings(cell)
    run = cell.folder / name
    run.mkdir()
    monkeypatch.setattr(settings, 'make_config', lambda _: Config(dict(kd_steps=2)))
    command = [sys.executable, '-c', HOLD, str(run / '.lock')]
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with subprocess.Popen(command, **pipes) as other:
        other.stdout.readline()
        with pytest.raises(ValueError, match=rf'process 1 is writing to .*{name}; wait for it'):
            note_settings(cell)
        assert run.is_dir()
        other.communicate('\n')
    note_settings(cell)
    assert not run.exists()
