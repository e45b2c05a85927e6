"""The one way that a command writes a file: reserved first, whole or not there, never in place."""

import os
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Seconds after which a temporary file that nobody has written to is one that a kill left.
STALE = 3600


def remove_stale(folder: Path, name: str) -> None:
    """Remove the temporary files of a folder whose whole names match ``name``, a pattern of re."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # its writer has just moved it
            if re.fullmatch(name, path.name) and path.stat().st_mtime < time.time() - STALE:
                path.unlink()


def _never(_: Path) -> bool:
    return False


def make_folder(path: str | Path, option: str = '--work-dir') -> None:
    """Make a folder, or raise an OSError naming the ``option`` that says where."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # a folder that is there may be read-only
            pass
    except OSError as error:
        raise OSError(
            f'{option} should be a folder that can be written, but {path} raised: '
            f'{error.strerror}; give another'
        ) from error


class Output:
    """A file that a command will write: what is wrong with it is told before the work begins.

    Its folder is made, a file is written there for a trial and removed, what a kill left half
    written is removed, and what is there already is refused. :meth:`save` writes under another
    name and moves the whole file.

    Args:
        path: the file.
        force: replace what is there; never one of ``inputs``, nor a folder.
        own: whether a file that is there may be replaced all the same, as it is one of the
            same kind and question.
        inputs: files that the command reads.
        option: how another is named, for the error.

    Raises:
        ValueError: if it is there already, is read, or is a folder.
        OSError: if it cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        force: bool = False,
        own: Callable[[Path], bool] = _never,
        inputs: Iterable[str | Path] = (),
        option: str = 'another file',
    ) -> None:
        self.path = Path(path)
        self.force, self.own, self.option = force, own, option
        self.inputs = [Path(each) for each in inputs if '://' not in str(each)]
        self._check()
        part = self._part()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.touch()
            part.unlink()
            stem, ending = map(re.escape, (self.path.stem, self.path.suffix))
            remove_stale(self.path.parent, rf'\.{stem}\.[0-9a-f]{{8}}{ending}')
        except OSError as error:
            raise OSError(
                f'{self.path} should be a file that can be written, but: {error.strerror}; give '
                f'{option}'
            ) from error

    def write(self, content: str) -> None:
        """Write a text."""
        self.save(lambda part: part.write_text(content, encoding='utf-8'))

    def save(self, writer: Callable[[Path], Any]) -> Any:
        """Have ``writer`` write to the path it is given, and move that to its place.

        Returns:
            What ``writer`` returned.

        Raises:
            ValueError: if another has been put there meanwhile.
        """
        part = self._part()
        try:
            returned = writer(part)
            self._check()
            part.replace(self.path)
            return returned
        finally:
            part.unlink(missing_ok=True)

    def _part(self) -> Path:
        # The ending stays: there are writers that go by it.
        return self.path.with_name(f'.{self.path.stem}.{uuid.uuid4().hex[:8]}{self.path.suffix}')

    def _check(self) -> None:
        if not os.path.lexists(self.path):
            return
        if self.path.is_dir():
            raise ValueError(f'{self.path} should be a file, but is a folder; give {self.option}')
        inputs = [each for each in self.inputs if each.exists()]
        if self.path.exists() and any(map(self.path.samefile, inputs)):  # else a link to nothing
            raise ValueError(
                f'{self.path} should be a new file, but it is what this command reads; give '
                f'{self.option}'
            )
        if not (self.force or self.own(self.path)):
            raise ValueError(
                f'{self.path} should be a new file, but is there already; give {self.option}, or '
                '--force to replace it'
            )
