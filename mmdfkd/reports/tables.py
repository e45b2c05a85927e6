"""Tables: the one Markdown form of all tools, and what a report has in them."""

import inspect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.runner import Runner

from mmdfkd.config_tools.dumped_config import flatten

from .run_logs import Run

NOTHING = '–'
MOST_ROWS = 25  # of differences of configs that are not folded
_FIGURES = re.compile('^(figures|accuracy|means) / ')  # where the tools put what they measured
_OF_A_CLASS = re.compile(r'_class_\d+')


@dataclass
class Table:
    """A title, what is to be known about it, the head, rows of cells.

    ``folded`` if few want it; ``cards`` if a row is one on its own, of a run or a network.
    """

    title: str
    note: str
    head: list[str]
    rows: list[list[str]]
    folded: bool = False
    cards: bool = False


def cell(value: Any) -> str:
    """Format a value."""
    if value is None:
        return NOTHING
    return f'{value:.4g}' if isinstance(value, float) else str(value)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table as Markdown; every tool prints and writes its tables with it."""
    lines = ['| ' + ' | '.join(cells) + ' |' for cells in (head, *rows)]
    lines[0] = lines[0].replace('|  |', '| |')  # a head may have no name for its rows
    return '\n'.join([lines[0], '|' + '---|' * len(head), *lines[1:]])


def side_by_side(title: str, note: str, columns: list[dict[str, Any]], runs: list[Run]) -> Table:
    """Set the values of all runs by name side by side, a column a run."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [[name, *(cell(column.get(name)) for column in columns)] for name in names]
    return Table(title, note, ['', *(run.name for run in runs)], rows)


def figures(runs: list[Run]) -> list[Table]:
    """Tabulate what validation figured beside the accuracy, and each file of figures."""
    others = [
        {
            name: curve[-1][1]
            for name, curve in run.val.items()
            if name not in (run.metric, f'teacher/{run.metric}')
        }
        for run in runs
    ]
    note = 'At the last validation.'
    tables = [side_by_side('Last figures of the validation', note, others, runs)]
    for file in dict.fromkeys(name for run in runs for name in run.figures):
        tables += file_tables(file, runs)
    return [table for table in tables if table.rows]


def file_tables(file: str, runs: list[Run]) -> list[Table]:
    """Tabulate a file of figures: what was measured, of single classes, and how."""
    measured: list[dict[str, Any]] = [{} for _ in runs]
    of_classes: list[dict[str, Any]] = [{} for _ in runs]
    protocols: list[dict[str, Any]] = [{} for _ in runs]
    for number, run in enumerate(runs):
        leaves = flatten(run.figures.get(file, {}), separator=' / ')
        told_apart = any(_FIGURES.match(name) for name in leaves)
        for name, value in leaves.items():
            if isinstance(value, list | dict):
                continue
            if told_apart and not _FIGURES.match(name):
                protocols[number][name] = value
            else:
                chosen = of_classes if _OF_A_CLASS.search(name) else measured
                chosen[number][_FIGURES.sub('', name)] = value
    title, note = file.capitalize(), f'Of {file}.json.'
    # What robustness.json has of every corruption is averaged in the overview.
    whole = f'{title}: every corruption and attack' if file == 'robustness' else title
    tables = [
        side_by_side(whole, note, measured, runs),
        side_by_side(f'{title} of each class', note, of_classes, runs),
        side_by_side(f'{title}: how they were measured', note, protocols, runs),
    ]
    for table in tables:
        table.folded = True
    return tables


def config_differences(runs: list[Run]) -> Table:
    """Tabulate the keys of the Runner's arguments in which the configs differ."""
    arguments = inspect.signature(Runner.__init__).parameters.keys() - {'work_dir'}
    columns = [
        {
            # Of a class its own name is enough.
            name: str(value).split('.')[-1] if name.endswith('.type') else str(value)
            for name, value in run.config.items()
            if name.split('.')[0] in arguments
        }
        for run in runs
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    differing = [name for name in names if len({column.get(name) for column in columns}) > 1]
    chosen = [{name: c[name] for name in differing if name in c} for c in columns]
    table = side_by_side('Differences of the configs', '', chosen, runs)
    table.rows.sort()
    table.folded = len(table.rows) > MOST_ROWS
    return table


def environment(runs: list[Run]) -> Table:
    """Tabulate versions, hardware and timings."""
    columns = []
    for run in runs:
        times = sorted(value for _, value in run.train.get('time', []))
        memory = [value for _, value in run.train.get('memory', [])]
        columns.append(
            run.environment
            | {'sessions (starts and resumptions)': run.sessions}
            | ({'seconds a round (median)': times[len(times) // 2]} if times else {})
            | ({'GPU memory (MiB)': max(memory)} if memory else {})
        )
    note = 'As the last session logged them.'
    return side_by_side('Versions and timings', note, columns, runs)
