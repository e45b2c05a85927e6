"""One page about runs, as HTML, and its tables as Markdown.

The page needs nothing else: curves are inline SVG, pictures are in it, and it has no script.
"""

import base64
import re
from html import escape
from pathlib import Path

from . import tables as report_tables
from .bars import bar_section
from .overview import overview
from .run_logs import Run, read_run
from .svg_charts import Line, legend, line_chart
from .tables import Table

MOST_PICTURES = 8  # of a run and name
LOSSES = 'Losses'  # the group of the charts of whole losses
STYLE = Path(__file__).with_name('page.css')
MARK = '<!-- mmdfkd report -->'
#: Nothing may be loaded or run, even if something were not escaped.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def is_number(text: str) -> bool:
    """Tell numbers, which are aligned to the right, from words."""
    return text[:1].isdigit() or text[:1] in ('-', report_tables.NOTHING)


def html_rows(head: list[str], rows: list[list[str]]) -> str:
    """Format rows of cells; the first cell of each names it."""
    words = [2 * sum(is_number(row[i]) for row in rows) < len(rows) for i in range(len(head))]
    kinds = [' class="text"' if word else '' for word in words]
    names = ''.join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True)
    )
    body = ''.join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + ''.join(
            f'<td{kind}>{escape(text)}</td>' for text, kind in zip(row[1:], kinds[1:], strict=True)
        )
        + '</tr>'
        for row in rows
    )
    table = f'<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="wide">{table}</div>'


def html_table(table: Table) -> str:
    """Format a table as a section of the page."""
    note = f'<p>{escape(table.note)}</p>' if table.note else ''
    rows = html_rows(table.head, table.rows)
    title = escape(table.title)
    if table.folded:
        return f'<details><summary>{title}</summary>{note}{rows}</details>'
    return f'<section><h2>{title}</h2>{note}{rows}</section>'


def accuracy_section(runs: list[Run]) -> str:
    """Plot the runs' accuracies over rounds, with students' teachers as dotted lines."""
    lines = [
        Line.numbered(run.name, run.val[run.metric], number)
        for number, run in enumerate(runs)
        if run.metric
    ]
    if not lines:
        return '<section><h2>Accuracy</h2><p>No run was validated.</p></section>'
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
    chart = line_chart('Accuracy', lines, width=860, height=340, markers=True)
    columns = [{str(step): value for step, value in line.points} for line in lines]
    rows = [
        [str(step), *(report_tables.cell(column.get(str(step))) for column in columns)]
        for step in steps
    ]
    data = html_rows(['round', *(line.name for line in lines)], rows)
    return (
        f'<section><h2>Accuracy</h2>{legend(lines, values=True)}'
        f'<div class="wide"><div class="main">{chart}</div></div>'
        f'<details><summary>The points as a table</summary>{data}</details></section>'
    )


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


def curve_sections(runs: list[Run]) -> dict[str, str]:
    """Plot everything else that was logged, a chart a figure, all runs in each; by group."""
    charts: dict[str, list[str]] = {}
    primary = {name for run in runs for name in (run.metric, f'teacher/{run.metric}')}
    for kind in ('val', 'train'):
        for name in sorted({name for run in runs for name in getattr(run, kind)} - primary):
            lines = [
                Line.numbered(run.name, getattr(run, kind).get(name, []), number)
                for number, run in enumerate(runs)
            ]
            figure = (
                f'<figure><figcaption>{escape(name)}</figcaption>{line_chart(name, lines)}</figure>'
            )
            group = 'Figures of the validation' if kind == 'val' else group_of(name)
            charts.setdefault(group, []).append(figure)
    names = legend([Line.numbered(run.name, [], i) for i, run in enumerate(runs)], values=False)
    return {
        group: f'<section><h2>{escape(group)}</h2>{names}'
        f'<div class="charts">{"".join(figures)}</div></section>'
        for group, figures in sorted(charts.items())
    }


def picture_section(runs: list[Run]) -> str:
    """Show a strip of pictures over rounds for each run."""
    strips = []
    for run in runs:
        for name, pictures in run.pictures.items():
            steps = list(pictures)
            last, count = len(steps) - 1, min(len(steps), MOST_PICTURES)
            chosen = sorted({steps[round(i * last / max(count - 1, 1))] for i in range(count)})
            shown = ''.join(
                f'<figure><img alt="{escape(f"{name} images of {run.name} at round {step}")}" '
                f'src="data:image/png;base64,{base64.b64encode(pictures[step]).decode()}">'
                f'<figcaption>round {step}</figcaption></figure>'
                for step in chosen
            )
            title = escape(
                f'{run.name}: {name}'
                + f', {len(chosen)} pictures of {len(steps)}' * (len(chosen) < len(steps))
            )
            strips.append(f'<div><h3>{title}</h3><div class="strip">{shown}</div></div>')
    content = ''.join(strips) or '<p>No run has left pictures.</p>'
    return f'<section><h2>Pictures over time</h2><div class="strips">{content}</div></section>'


def config_section(runs: list[Run]) -> str:
    """Fold the whole configs."""
    folded = ''.join(
        f'<details><summary>{escape(run.name)}</summary><pre>{escape(run.config_text)}</pre></details>'
        for run in runs
    )
    return f'<section><h2>Configs</h2>{folded}</section>'


def write_html(runs: list[Run]) -> str:
    """Return the whole page: what most want first."""
    title = escape('Runs: ' + ', '.join(run.name for run in runs))
    differences = report_tables.config_differences(runs)
    curves = curve_sections(runs)
    sections = [
        *map(html_table, overview(runs)),
        accuracy_section(runs),
        curves.pop(LOSSES, ''),
        picture_section(runs),
        html_table(differences) if differences.rows else '',
        bar_section(runs),
        *map(html_table, report_tables.figures(runs)),
        *curves.values(),
        html_table(report_tables.environment(runs)),
        config_section(runs),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><style>{STYLE.read_text()}</style></head>'
        f'<body><main><h1>{title}</h1>{"".join(sections)}</main></body></html>\n'
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


def read_runs(work_dirs: list[Path]) -> list[Run]:
    """Read work dirs; those with the same last name are called by their paths."""
    places = [work_dir.resolve() for work_dir in work_dirs]
    if len(set(places)) < len(places):
        raise ValueError(
            f'WORK_DIRs should differ, but got {[*map(str, work_dirs)]}; give each once'
        )
    names = [place.name for place in places]
    return [
        read_run(work_dir, name if names.count(name) == 1 else str(work_dir))
        for work_dir, name in zip(work_dirs, names, strict=True)
    ]
