"""The table of wrong inputs: a line each, ``kind | command and arguments | what should be told``.

Kinds are numbered; KINDS names them. ``{w}`` is the folder that world.py fills. Where a
warning is the right thing, and the run goes on, what is told begins with ``warns:``.
"""

import shlex
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from .outcome import run

FOLDER = Path(__file__).with_name('table')
KINDS = {
    '0': 'files that are not what they should be by their digest',
    '0b': 'what is there and would be replaced; places where nothing can be written',
    '1': 'a teacher that cannot be right, or its normalisation',
    '2': 'networks, outputs and the final layer',
    '3': 'evaluation sets',
    '4': 'runs that go on',
    '6': 'initial weights',
    '7': 'files of weights and checkpoints',
    '8': 'generators and shapes of images',
    '11': 'plain mistakes: names, options, configs',
    '12': 'figures without real images',
    '13': 'numbers, switches and parts out of range or of the wrong sort',
    '15': 'what is one and the same twice; numbers of images',
}


class Row(NamedTuple):
    """A wrong input: a command with its arguments, and what it should tell."""

    kind: str
    command: str
    arguments: str
    told: str
    warns: bool


def read_rows():
    """Read every line of every file of the table."""
    rows = []
    for file in sorted(FOLDER.glob('*.txt')):
        for line in file.read_text().splitlines():
            kind, given, told = line.split(' | ')
            command, _, arguments = given.partition(' ')
            warns = told.startswith('warns: ')
            rows.append(Row(kind, command, arguments, told.removeprefix('warns: '), warns))
    return rows


def how_it_ends(row, world, folder):
    """Run a row in an empty folder.

    Returns:
        ``'told'`` if it ended, before its work, in the one line, or went on with the warning;
        else ``'told otherwise'``, ``'traceback'`` or ``'silence'``; and what was told.
    """
    end = run(row.command, shlex.split(row.arguments.replace('{w}', str(world))), folder)
    told = row.told.replace('{w}', str(world))
    if row.warns:
        return ('told' if not end.status and told in end.text else 'silence'), end.text
    if not end.status:  # 0, or None: its work began
        return 'silence', end.text
    if end.status == -1:
        return 'traceback', end.line
    alone = end.line.count('\n') == 1 and 'Traceback' not in end.line
    return ('told' if alone and told in end.line else 'told otherwise'), end.line


def counts(rows):
    """Lay out how many rows each command and each kind has."""
    lines = []
    for title, of in (('command', Counter(r.command for r in rows)),
                      ('kind', Counter(r.kind for r in rows))):  # fmt: skip
        lines += [f'{title:32}rows', *(f'{key:32}{of[key]:4}' for key in sorted(of))]
    return '\n'.join([*lines, f'{"all":32}{len(rows):4}', f'{"of them warnings":32}'
                      f'{sum(row.warns for row in rows):4}'])  # fmt: skip
