"""On what a cell was trained: it may go on with other code, or on another machine."""

import json
import platform
from pathlib import Path
from typing import Any

import torch

from mmdfkd.hardware import device_name
from mmdfkd.outputs import Output
from mmdfkd.reports.results import commit

_NOTE = 'trained_on.json'


def note_origin(folder: Path) -> None:
    """Note code and machine of a training that begins or goes on.

    Args:
        folder: the cell's own.

    Raises:
        ValueError: if it began with another number of threads, by which processor time is counted
            as minutes.
    """
    noted, now = _read(folder), _now()
    if noted and noted[0]['threads'] != now['threads'] and not torch.cuda.is_available():
        raise ValueError(
            f'OMP_NUM_THREADS should be {noted[0]["threads"]}, as when {folder} was begun, but got '
            f'{now["threads"]}; set it, or give another --work-dir'
        )
    if now not in noted:
        folder.mkdir(parents=True, exist_ok=True)
        Output(folder / _NOTE, force=True).write(json.dumps([*noted, now], indent=1))


def origin(folder: Path) -> dict[str, Any]:
    """Return ``commit``, ``hardware``, ``threads`` and ``versions`` of a training.

    Where it went on with another commit or machine, both are named. A training of before this was
    noted is taken for one of now.
    """
    noted = _read(folder) or [_now()]
    together = {
        name: ', then '.join(dict.fromkeys(each[name] for each in noted))
        for name in ('commit', 'hardware')
    }
    return together | {name: noted[-1][name] for name in ('threads', 'versions')}


def _now() -> dict[str, Any]:
    return dict(
        commit=commit(),
        hardware=device_name(),
        threads=torch.get_num_threads(),
        versions=dict(python=platform.python_version(), torch=torch.__version__),
    )


def _read(folder: Path) -> list[dict[str, Any]]:
    file = folder / _NOTE
    return json.loads(file.read_text()) if file.is_file() else []
