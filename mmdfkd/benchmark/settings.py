"""What a cell is run with: a result is of that, and of nothing else."""

import hashlib
import json
import shutil
from pathlib import Path

from mmdfkd.config_tools.dumped_config import flatten
from mmdfkd.engine.work_dir import check_free, newest_checkpoint
from mmdfkd.outputs import Output

from .cells import Cell, make_config

_NOTE = 'settings.json'


def note_settings(cell: Cell, done: bool = False) -> None:
    """Note the cell's config in its folder; one that has not begun may have another.

    Args:
        cell: what will run.
        done: whether there is a result of it.

    Raises:
        ValueError: if the cell has begun with another config, or another process trains it.
    """
    file = cell.folder / _NOTE
    given = json.loads(json.dumps(flatten(make_config(cell).to_dict()), default=str))
    before = json.loads(file.read_text()) if file.is_file() else given
    changed = [key for key in before | given if before.get(key) != given.get(key)]
    if changed and (done or newest_checkpoint(cell.folder / 'run')):
        told = [f'{key} {given.get(key)} rather than {before.get(key)}' for key in changed]
        raise ValueError(
            f'{cell.method} and {cell.pair} should be those that {cell.folder} was begun with, but '
            f'give {", ".join(told)}; give another --work-dir'
        )
    if changed:  # what was timed and begun is of the config before
        for run in filter(Path.is_dir, cell.folder.iterdir()):
            check_free(run)
        shutil.rmtree(cell.folder)
    cell.folder.mkdir(parents=True, exist_ok=True)
    Output(file, force=True).write(json.dumps(given, indent=0))


def settings_digest(cell: Cell) -> str:
    """Return what tells the settings that are noted from others, in a result."""
    settings = json.loads((cell.folder / _NOTE).read_text())
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
