"""What a cell is run with: a result is of that, and of nothing else."""

import hashlib
import json
import shutil
from typing import Any

from mmdfkd.config_tools.dumped_config import flatten
from mmdfkd.engine.work_dir import newest_checkpoint
from mmdfkd.outputs import Output

from .cells import PLAN, Cell, make_config


def settings_of(cell: Cell) -> dict[str, Any]:
    """Return all that the cell's config says, by dotted names."""
    return json.loads(json.dumps(flatten(make_config(cell).to_dict()), default=str))


def digest_of(settings: dict[str, Any]) -> str:
    """Return what tells these settings from others, in a result."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def note_settings(cell: Cell, done: bool = False) -> None:
    """Note the cell's config in its folder; one that has not begun may have another.

    Args:
        cell: what will run.
        done: whether there is a result of it.

    Raises:
        ValueError: if the cell has begun with another config.
    """
    file = cell.folder / 'settings.json'
    given = settings_of(cell)
    before = json.loads(file.read_text()) if file.is_file() else given
    changed = [key for key in before | given if before.get(key) != given.get(key)]
    if changed and (done or newest_checkpoint(cell.folder / 'run')):
        told = [f'{key} {given.get(key)} rather than {before.get(key)}' for key in changed]
        raise ValueError(
            f'{cell.method} and {cell.pair} should be those that {cell.folder} was begun with, but '
            f'give {", ".join(told)}; give another --work-dir'
        )
    if changed:  # its rounds may take another time
        (cell.folder / PLAN).unlink(missing_ok=True)
        for name in ('timing', 'run'):
            shutil.rmtree(cell.folder / name, ignore_errors=True)
    cell.folder.mkdir(parents=True, exist_ok=True)
    Output(file, force=True).write(json.dumps(given, indent=0))
