"""The benchmark's file of results, a line a cell, and what is drawn from it."""

import json
import os
import statistics
import string
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmdfkd.outputs import Output
from mmdfkd.reports.tables import markdown

try:
    import fcntl
except ImportError:  # of Windows
    fcntl = None  # type: ignore[assignment]

Result = dict[str, Any]
_MARGIN = 10  # points of accuracy below the worst end that are drawn
_LONGEST_OPTIONS = 40  # characters of them in a row of a table
_KEY = ('pair', 'method', 'seed', 'budget', 'options')


def read_results(file: Path) -> list[Result]:
    """Read a file of JSON lines; one that is not there has none.

    Raises:
        ValueError: if it is a folder, or another file.
    """
    if not file.exists():
        return []
    try:
        lines = [line for line in file.read_text().splitlines() if line.strip()]
        found = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise ValueError(
            f'--results should be a file of JSON lines, but {file} is another ({error}); give '
            'another'
        ) from error
    if not all(isinstance(each, dict) and {*_KEY} <= {*each} for each in found):
        raise ValueError(
            f'--results should be a file of this command, but {file} has other lines; give another'
        )
    return found


def append(file: Path, result: Result) -> None:
    """Add a line to the file, whole or not at all; other processes wait meanwhile."""
    with _alone(file.parent):
        before = file.read_text() if file.is_file() else ''
        end = '' if not before or before.endswith('\n') else '\n'
        Output(file, force=True).write(before + end + json.dumps(result) + '\n')


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def finished(results: Iterable[Result], key: Result) -> bool:
    """Is there a result, not a failure, of the cell with this key?"""
    return bool(_own(results, key))


def check_settings(results: Iterable[Result], key: Result, settings: str) -> None:
    """Raise a ValueError if the cell's result is of a config with another digest.

    A result of before digests were noted is taken as it is.
    """
    own = _own(results, key)
    if own and own[-1].get('settings', settings) != settings:
        raise ValueError(
            f'--results should have results of these configs, but that of {key["method"]} on '
            f'{key["pair"]}, seed {key["seed"]}, is of another config; give another --results'
        )


def _own(results: Iterable[Result], key: Result) -> list[Result]:
    return [r for r in results if 'student' in r and all(r.get(n) == key[n] for n in _KEY)]


def grouped(results: Iterable[Result]) -> dict[tuple[str, float], dict[str, list[Result]]]:
    """Sort results by (pair, budget) and method; the last of a seed counts.

    Options that not all results of a pair and budget have are a part of the method's name.
    """
    pairs: dict = {}
    for result in results:
        if 'student' in result:
            pairs.setdefault((result['pair'], result['budget']), []).append(result)
    groups: dict = {}
    for key, runs in pairs.items():
        common = common_options(runs)
        for run in runs:
            own = {k: v for k, v in _options(run).items() if k not in common}
            name = ' '.join([run['method'], *(f'{_short(k)}={v}' for k, v in own.items())])
            groups.setdefault(key, {}).setdefault(name, {})[run['seed']] = run
    return {
        key: {method: list(seeds.values()) for method, seeds in methods.items()}
        for key, methods in groups.items()
    }


def _options(run: Result) -> dict[str, str]:
    """The options of a result, and how many cells ran at once: they shared the machine."""
    jobs = run.get('jobs', 1)
    return run['options'] | ({'--jobs': str(jobs)} if jobs > 1 else {})


def _short(option: str) -> str:
    return option.removeprefix('model.')


def common_options(runs: Iterable[Result]) -> dict[str, str]:
    """Return the options that all these results have, with the same value."""
    first, *others = [_options(run) for run in runs]
    return {k: v for k, v in first.items() if all(options.get(k) == v for options in others)}


def tables(results: Iterable[Result]) -> str:
    """Lay all results out in Markdown: a table a pair and budget, the best method first.

    Options that would make a row too long are below its table, and which results are of which
    machine, commit or threads, where a table has several.
    """
    parts = []
    for (pair, budget), methods in grouped(results).items():
        rows = []
        for method, runs in methods.items():
            students = [run['student'] for run in runs]
            spread = f' ± {statistics.stdev(students):.2f}' if len(runs) > 1 else ''
            mean = statistics.mean(students)
            teachers = statistics.mean(run['teacher'] for run in runs)
            minutes = statistics.mean(run['minutes'] for run in runs)
            images = statistics.mean(run['images'] for run in runs)
            each = ', '.join(f'{value:.2f}' for value in students)
            cells = [f'{mean:.2f}{spread}', each, str(len(runs)), f'{teachers:.2f}']
            cells += [f'{minutes:.1f}', f'{images:,.0f}', runs[0]['init']]
            rows.append((mean, [method, *cells]))
        rows.sort(key=lambda row: -row[0])
        names = [cells[0] for _, cells in rows]
        notes = _notes([cells for _, cells in rows])
        told = {name: cells[0] for name, (_, cells) in zip(names, rows, strict=True)}
        head = ['method', 'student %', 'each', 'n', 'teacher %', 'minutes', 'images', 'init']
        common = common_options(run for runs in methods.values() for run in runs)
        title = ', '.join([f'### {pair}', f'{budget:g} minutes', *map('='.join, common.items())])
        table = markdown(head, [row for _, row in rows])
        parts.append(f'{title}\n\n{table}\n{notes}{_origins(methods, told)}')
    return '\n'.join(parts)


def _origins(methods: dict[str, list[Result]], told: dict[str, str]) -> str:
    """Say which results are of which machine, threads and commit, if not all are of one.

    Args:
        methods: the results by the methods' names.
        told: how the table tells each name.
    """
    origins: dict[str, dict[str, dict[int, None]]] = {}
    for name, runs in methods.items():
        for run in runs:
            commits = [each[:9] for each in run.get('commit', 'not noted').split(', then ')]
            threads = f'threads {run.get("threads", "not noted")}'
            own = [run.get('hardware', 'machine not noted'), threads, ', then '.join(commits)]
            seeds = origins.setdefault(', '.join(own), {}).setdefault(told[name], {})
            seeds[run['seed']] = None
    if len(origins) == 1:
        return ''
    lines = [
        f'- {own}: ' + '; '.join(f'{k} {", ".join(map(str, v))}' for k, v in cells.items())
        for own, cells in origins.items()
    ]
    return '\n'.join(['', 'Not of one origin (seeds):', '', *lines, ''])


def _notes(rows: list[list[str]]) -> str:
    """Quote the methods of rows, and move long options to notes, which are returned."""
    notes: list[str] = []
    for row in rows:
        method, _, options = row[0].partition(' ')
        row[0] = f'`{row[0]}`'
        if len(options) > _LONGEST_OPTIONS:
            mark = string.ascii_lowercase[len(notes) % 26]
            notes.append(f'\n({mark}): `{options}`\n')
            row[0] = f'`{method}` ({mark})'
    return ''.join(notes)


def plot_curves(results: Iterable[Result], folder: Path) -> list[Path]:
    """Draw the accuracy over the minutes of training, a picture a pair and budget.

    The best method comes first. What is far below the worst student's end is cut off, or the
    first minute would take all of the height.
    """
    from matplotlib.figure import Figure  # slow to import, and no other command needs it

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for (pair, budget), methods in grouped(results).items():
        figure = Figure(figsize=(7, 4.2))
        axes = figure.add_subplot()
        means = {
            name: statistics.mean(r['student'] for r in runs) for name, runs in methods.items()
        }
        for number, method in enumerate(sorted(means, key=lambda name: -means[name])):
            runs = methods[method]
            for index, run in enumerate(runs):
                told = f'{means[method]:.1f} %: {method} (n = {len(runs)})'
                label = textwrap.fill(told, 90, break_long_words=False) if index == 0 else None
                axes.plot(*zip(*run['curve'], strict=True), '.-', color=f'C{number}', label=label)
        axes.set(xlabel='minutes of training', ylabel='student, %', title=pair)
        all_runs = [run for runs in methods.values() for run in runs]
        worst = min(run['student'] for run in all_runs)
        best = max(value for run in all_runs for _, value in run['curve'])
        axes.set_ylim(bottom=max(0, worst - _MARGIN), top=best + _MARGIN / 5)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc='upper center', bbox_to_anchor=(0.5, -0.13))
        files.append(folder / f'{pair}_{budget:g}min.png')
        figure.savefig(files[-1], dpi=110, bbox_inches='tight')
    return files
