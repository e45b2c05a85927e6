"""The bar charts of a report: figures of each class, and of each bin of confidence."""

import re
from html import escape
from typing import Any

from .dumped_config import flatten
from .run_logs import Run
from .svg_charts import bar_chart

Values = list[float | None]

#: Lists of each class in the details of figures.json: title, and the list of real images.
OF_A_CLASS = {
    'class_balance / share': ('share of each class', 'class_balance / share_real'),
    'diversity / intra': ('distance inside each class', 'diversity / intra_real'),
    'diversity / vendi': ('Vendi score of each class', 'diversity / vendi_real'),
}
#: The same of each bin of the teacher's confidence.
OF_A_BIN = {
    'class_balance / bin_count': ('images by confidence', ''),
    'class_balance / bin_accuracy': (
        'share that is of the class asked for, by confidence',
        'class_balance / bin_confidence',
    ),
}
MOST_CLASSES = 100_000  # a bar each: a file of others could ask for any number
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


def read_bars(figures: dict) -> dict[str, tuple[Values, Values, str]]:
    """Return what can be drawn of a figures.json, by title: values, marks, what a bar is."""
    leaves = flatten(figures, separator=' / ')
    bars = {
        title: (read_details(leaves, name), read_details(leaves, marks), axis)
        for names, axis in ((OF_A_CLASS, 'class'), (OF_A_BIN, 'bin of confidence'))
        for name, (title, marks) in names.items()
    }
    bars['FID inside each class'] = (read_fid(leaves, False), read_fid(leaves, True), 'class')
    # One bar alone shows nothing.
    return {
        title: found
        for title, found in bars.items()
        if is_numbers(found[0]) and sum(value is not None for value in found[0]) > 1
    }


def bar_section(runs: list[Run]) -> str:
    """Plot the figures of classes and bins, those of all runs beside each other."""
    of_runs = [read_bars(run.figures.get('figures', {})) for run in runs]
    charts = []
    for name in dict.fromkeys(name for bars in of_runs for name in bars):
        for number, (run, bars) in enumerate(zip(runs, of_runs, strict=True)):
            if name in bars:
                values, marks, axis = bars[name]
                title = f'{run.name}: {name}'
                caption = f'<figcaption>{escape(title)}</figcaption>'
                chart = bar_chart(title, values, number, axis, marks)
                charts.append(f'<figure>{caption}{chart}</figure>')
    if not charts:
        return ''
    note = (
        'Of figures.json. A line across a bar is the same of real images; by confidence, it '
        'is the mean confidence, which a calibrated teacher’s bars reach.'
    )
    return (
        f'<section><h2>Classes and confidence</h2><p>{note}</p>'
        f'<div class="charts">{"".join(charts)}</div></section>'
    )
