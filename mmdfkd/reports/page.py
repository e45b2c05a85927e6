"""One page about runs, as HTML, and its tables as Markdown.

The page needs nothing else: charts and pictures are in it, and it has no script.
"""

import base64
import re
from html import escape
from pathlib import Path

from . import tables as report_tables
from .bars import bar_charts
from .charts import NARROW, WIDE, Line, gallery, legend, line_chart
from .loss_names import explain
from .overview import overview
from .run_logs import Run
from .tables import Table

MOST_PICTURES = 8  # of a run and name
MOST_NAMES = 4  # of runs in the title
OPEN = LOSSES, OF_VALIDATION = 'Losses', 'Figures of the validation'  # groups of charts
REAL = 'real'  # the picture of the validation set
ABOUT_GRIDS = (
    '<p>A row is a class: the one that was asked for, or, where none is, the one that the '
    'teacher sees in the image.</p>'
)
ABOUT_BARS = (
    '<p>Of figures.json. A line across a bar is the same of real images; by confidence, it '
    'is the mean confidence, which a calibrated teacher’s bars reach.</p>'
)
STYLE = Path(__file__).with_name('page.css')
MARK = '<!-- mmdfkd report -->'
#: Nothing may be loaded or run, even if something were not escaped.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def is_number(text: str) -> bool:
    """Tell numbers, which are aligned to the right, from words."""
    return text[:1].isdigit() or text[:1] in ('-', report_tables.NOTHING)


def html_rows(head: list[str], rows: list[list[str]], kind: str = '') -> str:
    """Format rows of cells; the first cell of each names it, and others know their head."""
    words = [2 * sum(is_number(row[i]) for row in rows) < len(rows) for i in range(len(head))]
    kinds = [' class="text"' if word else '' for word in words]
    names = ''.join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True)
    )
    body = ''.join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + ''.join(
            f'<td{kind} data-head="{escape(name)}">{escape(text)}</td>'
            for name, text, kind in zip(head[1:], row[1:], kinds[1:], strict=True)
        )
        + '</tr>'
        for row in rows
    )
    table = f'<table class="{kind}"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{table}</div>'


def html_table(table: Table) -> str:
    """Format a table as a section of the page."""
    kind = ('tiles' if len(table.rows) == 1 else 'cards') if table.cards else ''
    note = f'<p>{escape(table.note)}</p>' if table.note else ''
    return section(table.title, html_rows(table.head, table.rows, kind) + note, table.folded)


def section(title: str, content: str, folded: bool = False) -> str:
    """Put a title over a part of the page, or fold it away behind its title."""
    heading = f'<h2>{escape(title)}</h2>'
    if folded:
        return f'<details class="section"><summary>{heading}</summary>{content}</details>'
    return f'<section>{heading}{content}</section>'


def accuracy_section(runs: list[Run]) -> str:
    """Plot the runs' accuracies over rounds, with students' teachers as dotted lines."""
    lines = [
        Line.numbered(run.name, run.val[run.metric], number)
        for number, run in enumerate(runs)
        if run.metric
    ]
    if not lines:
        return section('Accuracy', '<p>No run was validated on labelled images.</p>')
    curves = {run.name: run.val.get(f'teacher/{run.metric}', []) for run in runs}
    teachers: dict[float, list[str]] = {}
    for name, curve in curves.items():
        if curve:
            teachers.setdefault(curve[-1][1], []).append(name)
    steps = sorted({step for line in lines for step, _ in line.points})
    for value, names in teachers.items():
        title = 'teacher' if len(teachers) == 1 else f'teacher of {", ".join(names)}'
        first = steps[0] if len(steps) > 1 else 0  # of one validation there is no line, else
        lines.append(Line(title, [(step, value) for step in (first, steps[-1])]))
    charts = [
        f'<div class="{kind}">{line_chart("Accuracy", lines, size, markers=True)}</div>'
        for kind, size in (('on-wide', WIDE), ('on-narrow', NARROW))
    ]
    columns = [{str(step): value for step, value in line.points} for line in lines]
    rows = [
        [str(step), *(report_tables.cell(column.get(str(step))) for column in columns)]
        for step in steps
    ]
    data = html_rows(['round', *(line.name for line in lines)], rows)
    points = f'<details><summary>The points as a table</summary>{data}</details>'
    return section('Accuracy', legend(lines, values=True) + ''.join(charts) + points)


def group_of(name: str) -> str:
    """Name the group of charts that a training figure belongs to."""
    if name.split('.')[-1] == 'lr':
        return 'Learning rates'
    if name in ('time', 'memory'):
        return 'Time (seconds a round) and GPU memory (MiB)'
    if name.split('/')[-1] == 'loss':
        return LOSSES
    part, slash, _ = name.partition('/')
    return part.capitalize() if slash else 'Training'


def curve_charts(runs: list[Run]) -> dict[str, dict[str, str]]:
    """Plot everything else that was logged, a chart a figure, all runs in each; by group."""
    charts: dict[str, dict[str, str]] = {}
    primary = {name for run in runs for name in (run.metric, f'teacher/{run.metric}')}
    for kind in ('val', 'train'):
        for name in sorted({name for run in runs for name in getattr(run, kind)} - primary):
            lines = [
                Line.numbered(run.name, getattr(run, kind).get(name, []), number)
                for number, run in enumerate(runs)
            ]
            group = OF_VALIDATION if kind == 'val' else group_of(name)
            charts.setdefault(group, {})[name] = line_chart(name, lines)
    return dict(sorted(charts.items()))


def curve_section(group: str, charts: dict[str, str], runs: list[str]) -> str:
    """Show a group of charts, and what the names in it mean."""
    told = [f'<b>{name}</b>: {escape(meaning)}' for name, meaning in explain(charts).items()]
    about = f'<p>{"; ".join(told)}.</p>' * bool(told)
    return section(group, about + gallery(charts, runs), folded=group not in OPEN)


def figure(run: Run, name: str, step: int) -> str:
    """Show one of a run's pictures."""
    content = base64.b64encode(run.pictures[name][step]).decode()
    told = f'round {step}' if name != REAL else 'real images'
    alt = escape(f'{name} images of {run.name}' + f' at round {step}' * (name != REAL))
    return (
        f'<figure><img alt="{alt}" src="data:image/png;base64,{content}">'
        f'<figcaption>{told}</figcaption></figure>'
    )


def picture_section(runs: list[Run]) -> str:
    """Show each run's last pictures beside the real ones, and how they came about."""
    strips = []
    for run in runs:
        real = ''.join(figure(run, REAL, step) for step in [*run.pictures.get(REAL, [])][-1:])
        for name, pictures in run.pictures.items():
            if name == REAL:
                continue
            *steps, last = pictures
            count = min(len(steps), MOST_PICTURES - 1)
            chosen = sorted({steps[i * len(steps) // count] for i in range(count)})
            strip = ''.join(figure(run, name, step) for step in chosen)
            of = f', {len(chosen) + 1} pictures of {len(steps) + 1}' * (len(chosen) < len(steps))
            strips.append(
                f'<h3>{escape(f"{run.name}: {name}{of}")}</h3>'
                f'<div class="pair">{figure(run, name, last)}{real}</div>'
                + f'<div class="strip">{strip}</div>'
                * bool(chosen)
            )
    content = ABOUT_GRIDS + ''.join(strips) if strips else '<p>No run has left pictures.</p>'
    return section('Synthetic images', content)


def config_section(runs: list[Run]) -> str:
    """Fold the whole configs."""
    configs = ''.join(
        f'<h3>{escape(run.name)}</h3><pre>{escape(run.config_text)}</pre>' for run in runs
    )
    return section('Configs', configs, folded=True)


def write_html(runs: list[Run]) -> str:
    """Return the whole page: what most want first."""
    names = [run.name for run in runs]
    summary, *tables = overview(runs)
    bars, curves = bar_charts(runs), curve_charts(runs)
    open_groups = {group: curves.pop(group) for group in OPEN if group in curves}
    differences = report_tables.config_differences(runs)
    sections = [
        html_table(summary),
        accuracy_section(runs),
        picture_section(runs),
        *map(html_table, tables),
        section('Classes and confidence', ABOUT_BARS + gallery(bars, names)) if bars else '',
        *(curve_section(group, charts, names) for group, charts in open_groups.items()),
        html_table(differences) if differences.rows else '',
        *map(html_table, report_tables.figures(runs)),
        *(curve_section(group, charts, names) for group, charts in curves.items()),
        html_table(report_tables.environment(runs)),
        config_section(runs),
    ]
    title = escape(', '.join(names) if len(names) <= MOST_NAMES else f'{len(names)} runs')
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}: mmdfkd report</title><style>{STYLE.read_text()}</style></head>'
        f'<body><main><header><small>mmdfkd report</small><h1>{title}</h1></header>'
        f'{"".join(sections)}</main></body></html>\n'
    )


def write_markdown(runs: list[Run]) -> str:
    """Return the tables as Markdown."""

    def safe(cells: list[str]) -> list[str]:
        # No link, picture or code either, and no address that is made a link.
        marked = [re.sub(r'([\\`*\[\]!|])', r'\\\1', escape(text, quote=False)) for text in cells]
        return [' '.join(text.replace('://', '&#58;//').split()) for text in marked]

    tables = [
        *overview(runs),
        report_tables.config_differences(runs),
        *report_tables.figures(runs),
        report_tables.environment(runs),
    ]
    parts = []
    for table in tables:
        if table.rows:
            lines = report_tables.markdown(safe(table.head), map(safe, table.rows))
            parts.append(f'## {table.title}\n\n{lines}\n\n{table.note}'.strip())
    return '\n\n'.join([MARK, *parts]) + '\n'


def is_page(file: Path) -> bool:
    """Tell whether a file is a page of :func:`write_html`, which a newer one may replace."""
    with file.open('rb') as content:
        return POLICY.encode() in content.read(1000)


def is_markdown(file: Path) -> bool:
    """Tell whether a file is of :func:`write_markdown`, which a newer one may replace."""
    with file.open('rb') as content:
        return content.read(len(MARK)) == MARK.encode()
