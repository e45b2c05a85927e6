"""The bar charts of a report: figures of each class, and of each bin of confidence."""

import re
from typing import Any

from mmdfkd.config_tools.dumped_config import flatten

from .charts import Bars, bar_chart
from .run_logs import Run

Values = list[float | None]

#: Lists of each class in the details of figures.json: title, and the list of real images.
OF_A_CLASS = {
    'class_balance / share': ('Share of each class', 'class_balance / share_real'),
    'diversity / intra': ('Distance inside each class', 'diversity / intra_real'),
    'diversity / vendi': ('Vendi score of each class', 'diversity / vendi_real'),
}
#: The same of each bin of the teacher's confidence.
OF_A_BIN = {
    'class_balance / bin_count': ('Images by the teacher’s confidence', ''),
    'class_balance / bin_accuracy': (
        'Share of the class asked for, by confidence',
        'class_balance / bin_confidence',
    ),
}
MOST_CLASSES = 100_000  # a bar each: a file of others could ask for any number
LONGEST = 16  # letters of a class's name
_FID = re.compile(r'figures / .*fid_class_(\d{1,9})(_floor)?')


def is_numbers(values: Any) -> bool:
    """Tell lists of numbers, None where there is none."""
    return isinstance(values, list) and all(
        value is None or isinstance(value, int | float) for value in values
    )


def by_class(values: dict[int, float | None]) -> Values:
    """List values by class, None of a class that is missing; none of absurd classes."""
    if any(not 0 <= number < MOST_CLASSES for number in values):
        return []
    return [values.get(number) for number in range(max(values, default=-1) + 1)]


def read_details(leaves: dict[str, Any], name: str) -> Values:
    """Return a list of the details; what covers some classes only is spread over all."""
    values: Any = leaves.get(f'details / {name}')
    if not is_numbers(values):
        return []
    family = name.partition(' / ')[0]
    suffix = '_real' if name.endswith('_real') else ''
    classes = leaves.get(f'details / {family} / classes{suffix}')
    if not classes:
        return values
    good = isinstance(classes, list) and all(type(number) is int for number in classes)
    return by_class(dict(zip(classes, values, strict=False))) if good else []


def read_fid(leaves: dict[str, Any], floor: bool) -> Values:
    """Return the FID inside each class, of real images if ``floor``."""
    found = ((_FID.fullmatch(name), value) for name, value in leaves.items())
    return by_class(
        {int(match[1]): value for match, value in found if match and bool(match[2]) == floor}
    )


def read_bars(run: Run, number: int) -> dict[str, Bars]:
    """Return what can be drawn of a run's figures.json, by its title."""
    leaves = flatten(run.figures.get('figures', {}), separator=' / ')
    bars = {
        title: (read_details(leaves, name), read_details(leaves, marks))
        for name, (title, marks) in (OF_A_CLASS | OF_A_BIN).items()
    }
    bars['FID inside each class'] = (read_fid(leaves, False), read_fid(leaves, True))
    # One bar alone shows nothing.
    return {
        title: Bars(run.name, number, *found)
        for title, found in bars.items()
        if is_numbers(found[0]) and sum(value is not None for value in found[0]) > 1
    }


def names_of(title: str, runs: list[Run], number: int) -> list[str]:
    """Name the bars of a chart: bins, or classes, by number where runs do not share names."""
    if title in dict(OF_A_BIN.values()):
        return [f'{i / number:.2f} to {(i + 1) / number:.2f}' for i in range(number)]
    found = [run.class_names for run in runs if run.class_names]
    if not found or len(found[0]) < number or any(names != found[0] for names in found):
        return [str(index) for index in range(number)]
    return [name if len(name) <= LONGEST else f'{name[:LONGEST]}…' for name in found[0][:number]]


def bar_charts(runs: list[Run]) -> dict[str, str]:
    """Plot the figures of classes and bins by title, those of all runs beside each other."""
    of_runs = [read_bars(run, number) for number, run in enumerate(runs)]
    charts = {}
    for title in dict.fromkeys(title for bars in of_runs for title in bars):
        drawn = [bars[title] for bars in of_runs if title in bars]
        number = max(len(values) for bars in drawn for values in (bars.values, bars.marks))
        charts[title] = bar_chart(title, drawn, names_of(title, runs, number))
    return charts
