"""A work dir is of one run: what it holds, who writes to it, and which checkpoint is newest."""

import errno
import logging
import os
import re
import shutil
import socket
from pathlib import Path
from typing import IO

from mmengine.logging import print_log

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = '.lock'
#: Names of the sessions' folders as they began: by their names alone, a clock that was set back,
#: or of another time zone, would order them otherwise.
SESSIONS = '.sessions'
#: How many images the student has after how many rounds, in the folder of a session.
IMAGE_COUNTS = 'image_counts.json'
#: What the name of a file ends in while it is written.
PART = '.part'
#: What commands leave in the work dir beside the run.
_MADE_OF_IT = ('student', 'export', 'report.html', 'figures.json', 'robustness.json')
#: What the names begin with of the folder of a run that made way, and of its config.
REPLACED = 'replaced_'
#: Of the process: closing any handle of the file would let the lock go.
_held: dict[Path, tuple[int, IO[str]]] = {}


def number_of(checkpoint: str | Path) -> int:
    """Return N of iter_N.pth or epoch_N.pth, or -1 of any other name."""
    found = re.fullmatch(r'(?:iter|epoch)_(\d+)\.pth', Path(checkpoint).name)
    return int(found[1]) if found else -1


def numbered_checkpoints(work_dir: str | Path) -> list[Path]:
    """List the checkpoints iter_N.pth or epoch_N.pth of a work dir by their numbers."""
    files = [path for path in Path(work_dir).glob('*.pth') if number_of(path) >= 0]
    return sorted(files, key=lambda path: (number_of(path), path.name))


def newest_checkpoint(work_dir: str | Path) -> str | None:
    """Return where a run would go on from, or None.

    ``last_checkpoint`` names it by an absolute path: of a folder that was copied or moved the
    file beside it is meant. Where that is not there, it is the one of the greatest number; a
    copy changes times of modification.
    """
    marker = Path(work_dir) / 'last_checkpoint'
    named = marker.read_text().strip() if marker.is_file() else ''
    here = Path(work_dir) / Path(named).name
    if named and '://' not in named and here.is_file():
        return str(here)
    last = number_of(named)  # what is later may be half written
    numbered = [p for p in numbered_checkpoints(work_dir) if last < 0 or number_of(p) <= last]
    if numbered:
        return str(numbered[-1])
    return named if '://' in named or (named and Path(named).is_file()) else None


def claim(
    work_dir: str | Path,
    resume: str | None = None,
    force: bool = False,
    move: bool = True,
    config: Path | None = None,
) -> None:
    """Make this process the one that writes to a work dir, until it ends.

    The system lets the lock of a process go, however that ends. Half a checkpoint that a kill
    left is removed. Only the first of several processes of a run should call it.

    Args:
        work_dir: the folder; it is made if need be.
        resume: what ``--resume`` names: None begins anew; ``'newest'`` needs a checkpoint
            there; ``'auto'`` goes on if there is one; else a checkpoint's path or URL.
        force: a folder that holds another run is taken all the same: what the run left is
            moved to its folder replaced_N.
        move: False checks alone and moves nothing.
        config: the file of that run's config, to be moved to replaced_N.py.

    Raises:
        ValueError: if another process writes there, the run would replace another's
            checkpoints, or there is nothing to go on from.
    """
    folder = Path(work_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _lock(folder.resolve())
        for half in [*folder.glob(f'*.pth{PART}'), *folder.glob(f'last_checkpoint{PART}')]:
            half.unlink()
    except OSError as error:
        raise ValueError(
            f'--work-dir should be a folder that can be written, but {folder} raised: {error}'
        ) from error
    held = [path.name for path in [*numbered_checkpoints(folder), *folder.glob('best_*.pth')]]
    newest = newest_checkpoint(folder)
    if newest and not held:  # of another name, or elsewhere: out_dir of the checkpoint hook
        held = [Path(newest).name]
    if resume == 'newest' and not newest:
        raise ValueError(
            f'--resume should find a checkpoint in {folder}, but none is there; leave it out, name '
            'one, or give the --work-dir of the run (--resume auto goes on only if it can)'
        )
    if resume in ('newest', 'auto') or not (held or (config and config.is_file())):
        return
    if resume is not None and _is_beside(Path(resume), folder):
        _claim_from(Path(resume), folder, force)
        return
    if not force:
        raise ValueError(
            f'--work-dir should be new, but {folder} has a run with {held[-1]}; add --resume to '
            f'go on with it, give another, or --force to move it to {_aside(folder)}'
        )
    if move:
        aside = _move_aside(folder, _of_run(folder))
        if config and config.is_file():
            shutil.move(config, aside.with_suffix('.py'))  # the folder may be on another disk


def _is_beside(file: Path, folder: Path) -> bool:
    return file.is_file() and file.resolve().parent == folder.resolve()


def _claim_from(file: Path, folder: Path, force: bool) -> None:
    """Let a run go on from that checkpoint of it, which should be its newest unless forced."""
    later = _later(file, folder)
    if later and not force:
        raise ValueError(
            f'--resume should name the newest checkpoint of {folder}, but got {file.name} '
            f'before {", ".join(path.name for path in later)}; give another --work-dir, or --force '
            f'to move those to {_aside(folder)}'
        )
    if later:
        _move_aside(folder, later)


def note_session(work_dir: str | Path, name: str) -> None:
    """Note that the session whose folder has that name begins."""
    with (Path(work_dir) / SESSIONS).open('a') as file:
        file.write(f'{name}\n')


def in_order(work_dir: str | Path, pattern: str) -> list[Path]:
    """List the files of all sessions, the earliest session's first.

    Args:
        work_dir: of a run.
        pattern: of their paths below it, of which the session's folder comes first.
    """
    folder, noted = Path(work_dir), Path(work_dir) / SESSIONS
    names = noted.read_text().split() if noted.is_file() else []
    place = {name: index for index, name in enumerate(names)}
    files = folder.glob(pattern)
    return sorted(files, key=lambda file: (place.get(file.relative_to(folder).parts[0], -1), file))


def check_free(work_dir: str | Path) -> None:
    """Raise a ValueError if another process writes to a work dir; it may not be there."""
    folder = Path(work_dir).resolve()
    if (folder / LOCK).is_file() and (handle := _locked(folder)):
        handle.close()


def _lock(folder: Path) -> None:
    if handle := _locked(folder):
        handle.truncate(0)
        handle.write(f'process {os.getpid()} on {socket.gethostname()}\n')
        handle.flush()
        _held[folder] = os.getpid(), handle


def _locked(folder: Path) -> IO[str] | None:
    """Return the locked file of a folder; None if this process has it, or there are no locks."""
    if fcntl is None or _held.get(folder, (0,))[0] == os.getpid():
        return None
    handle = (folder / LOCK).open('a+')
    try:
        # Not flock: a forked loader of data would hold that for some seconds more.
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            handle.close()
            print_log(
                f'the file system of {folder} has no locks ({error.strerror}): see that no second '
                'run writes there',
                logger='current',
                level=logging.WARNING,
            )
            return None
        handle.seek(0)
        who = handle.read().strip() or 'another process'
        handle.close()
        raise ValueError(
            f'--work-dir should be of one run at a time, but {who} is writing to {folder}; wait '
            'for it, or give another'
        ) from None
    return handle


def _later(file: Path, folder: Path) -> list[Path]:
    kind = file.name.split('_')[0]
    same = [path for path in numbered_checkpoints(folder) if path.name.split('_')[0] == kind]
    return [path for path in same if number_of(file) >= 0 and number_of(path) > number_of(file)]


def _aside(folder: Path) -> Path:
    number = 1
    while (folder / f'{REPLACED}{number}').exists():
        number += 1
    return folder / f'{REPLACED}{number}'


def _of_run(folder: Path) -> list[Path]:
    """List what a run has left: its own files, the sessions' folders, and what was made of it."""
    files = [*numbered_checkpoints(folder), *folder.glob('best_*.pth')]
    files += [path for path in _of_other_names(folder) if path not in files]
    files += [path for path in folder.glob('*.py') if _is_dumped(path)]
    sessions = [path for path in folder.iterdir() if re.fullmatch(r'\d{8}_\d{6}', path.name)]
    others = [folder / name for name in ('last_checkpoint', SESSIONS, *_MADE_OF_IT)]
    return [*files, *sessions, *(path for path in others if path.exists())]


def _of_other_names(folder: Path) -> list[Path]:
    """List checkpoints named by a ``filename_tmpl``: those like the one of last_checkpoint."""
    note = folder / 'last_checkpoint'
    name = Path(note.read_text().strip()).name if note.is_file() else ''
    alike = re.sub(r'\d+', lambda _: r'\d+', re.escape(name))
    return [path for path in folder.iterdir() if name and re.fullmatch(alike, path.name)]


def _is_dumped(file: Path) -> bool:
    """Tell a config that a run wrote, of assignments alone, from a module of the user's."""
    code = file.read_text(errors='replace')
    return not (
        file.name.startswith(REPLACED) or re.search(r'^(import|from|with|def|class) ', code, re.M)
    )


def _move_aside(folder: Path, paths: list[Path]) -> Path:
    aside = _aside(folder)
    aside.mkdir()
    for path in paths:
        path.rename(aside / path.name)
    return aside
