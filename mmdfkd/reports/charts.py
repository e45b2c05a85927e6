"""Line and bar charts: matplotlib's SVG in the page itself, coloured by its style sheet."""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from matplotlib import rc_context, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Values = Sequence[float | None]

_RUNS = 5  # --c0 to --c4 of the style sheet
_VARIABLES = (*(f'c{i}' for i in range(_RUNS)), 'ink', 'muted', 'rule')
_DASHES = ('solid', 'dashed', 'dotted')  # as colours come again; CSS and matplotlib have them
WIDE, NARROW = (860, 340), (360, 215)  # sizes in pixels
_STEPS = [1, 2, 5, 10]  # between ticks
MOST_NAMED = 30  # bars that have a name each


def _colour(variable: str) -> str:
    """Stand in for a variable of the style sheet until the SVG is written."""
    return f'#00b00{_VARIABLES.index(variable)}'


_STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none',  # text stays text
    'text.parse_math': False,  # a dollar in a class's name is a dollar
    'font.size': 12,
    'axes.labelcolor': _colour('muted'),
    'axes.edgecolor': _colour('muted'),
    'axes.formatter.limits': (-4, 6),
    'axes.formatter.useoffset': False,
    'axes.axisbelow': True,
    **{f'axes.spines.{side}': False for side in ('left', 'right', 'top')},
    **{f'{axis}tick.major.size': 0 for axis in 'xy'},
    **{f'{axis}tick.labelcolor': _colour('muted') for axis in 'xy'},
    'text.color': _colour('muted'),
    'grid.color': _colour('rule'),
    'lines.linewidth': 2,
    'path.simplify_threshold': 0.5,  # pixels
    'figure.facecolor': 'none',
    'axes.facecolor': 'none',
    'savefig.facecolor': 'none',
}


@dataclass
class Line:
    """One line of a chart.

    Args:
        name: what it is.
        points: (x, y).
        colour: a variable of the page's style sheet.
        dash: how it is drawn, in the words of CSS.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = 'muted'
    dash: str = 'dotted'

    @classmethod
    def numbered(cls, name: str, points: Sequence[tuple[float, float]], number: int) -> 'Line':
        """Make the line of the run of that number; no two of 15 look alike."""
        return cls(name, points, f'c{number % _RUNS}', _DASHES[number // _RUNS % len(_DASHES)])

    @property
    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [point for point in self.points if math.isfinite(point[1])]


@dataclass
class Bars:
    """The bars of one run; the run of that ``number`` has its colour.

    ``marks`` are lines at what the bars are to be compared with.
    """

    name: str
    number: int
    values: Values
    marks: Values = ()


def text_of(value: float | None) -> str:
    """Format a number in four digits."""
    return 'none' if value is None else f'{value:.4g}'


def legend(lines: list[Line], values: bool = False) -> str:
    """Name the lines of a chart, with their last ``values`` if wanted; one line needs no name."""
    if len(lines) == 1 and not values:
        return ''
    return '<ul class="legend">{}</ul>'.format(
        ''.join(
            f'<li><span class="swatch" style="border-top: 2px {line.dash} var(--{line.colour})">'
            f'</span> {escape(line.name)}'
            + (f' <b>{line.points[-1][1]:.2f}</b>' if values else '')
            + '</li>'
            for line in lines
        )
    )


def gallery(charts: dict[str, str], runs: Sequence[str]) -> str:
    """Show charts by title, below the names and colours of the runs."""
    figures = ''.join(
        f'<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>'
        for title, chart in charts.items()
    )
    names = legend([Line.numbered(name, [], number) for number, name in enumerate(runs)])
    return f'{names}<div class="charts">{figures}</div>'


def _draw(size: tuple[int, int]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout='constrained')
    return figure, figure.add_subplot()


def _svg(figure: Figure, alt: str) -> str:
    """Write a chart for a page, with a text for those who do not see it."""
    file = io.StringIO()
    with rc_context({'svg.hashsalt': alt}):  # the same chart has the same names, others have others
        figure.savefig(
            file, format='svg', metadata=dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
        )
    head, _, body = file.getvalue().partition('<svg ')[2].partition('>')
    view = re.findall('viewBox="[^"]*"', head)[0]
    # Its style is of the whole page, and its names are the same in every chart.
    body = re.sub(r'<style.*?</style>| id="[\w.]+_\d+"', '', body, flags=re.DOTALL)
    body = re.sub(r'font-family: [^;\"]*', 'font-family: inherit', body)
    body = re.sub(r'#00b00(\d)', lambda found: f'var(--{_VARIABLES[int(found[1])]})', body)
    return f'<svg {view} role="img" aria-label="{escape(alt)}">{body.strip()}'


def line_chart(
    title: str, lines: list[Line], size: tuple[int, int] = NARROW, markers: bool = False
) -> str:
    """Draw lines over rounds, with a mark a point if ``markers``."""
    lines = [line for line in lines if line.finite]
    rounds = [step for line in lines for step, _ in line.finite]
    with style.context(['default', _STYLE]):
        figure, axes = _draw(size)
        for line in lines:
            marked = (markers and line.colour != 'muted') or len(line.finite) == 1
            axes.plot(
                *zip(*line.finite, strict=True),
                color=_colour(line.colour),
                linestyle=line.dash,
                marker='o' if marked else None,
                markersize=6,
                clip_on=False,
            )
        if rounds and min(rounds) == max(rounds):  # seen as so many rounds after the start
            axes.set_xlim(0, max(*rounds, 1))
        axes.margins(x=0)
        axes.set_xlabel('round')
        axes.xaxis.set_major_locator(MaxNLocator(size[0] // 90, integer=True, steps=_STEPS))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
        axes.grid(axis='y')
        ends = [
            f'{line.name} from {text_of(line.finite[0][1])} at round {line.finite[0][0]} '
            f'to {text_of(line.finite[-1][1])} at {line.finite[-1][0]}'
            for line in lines
        ]
        return _svg(figure, f'{title}: {"; ".join(ends) or "no points"}')


def bar_chart(title: str, runs: list[Bars], names: Sequence[str]) -> str:
    """Draw the bars of runs beside each other, from 0 to the right, and what each is of."""
    number = len(names)
    height = 50 + min(number, MOST_NAMED) * max(16, 9 * len(runs))
    with style.context(['default', _STYLE]):
        figure, axes = _draw((NARROW[0], height))
        width = 0.8 / len(runs)
        for place, run in enumerate(runs):
            starts = [index - 0.4 + place * width for index in range(number)]
            values, marks = _padded(run.values, number), _padded(run.marks, number)
            axes.barh(starts, values, width, align='edge', color=_colour(f'c{run.number % _RUNS}'))
            axes.vlines(marks, starts, [start + width for start in starts], _colour('ink'))
        shown = range(0, number, math.ceil(number / MOST_NAMED))
        axes.set_yticks(shown, [names[index] for index in shown])
        axes.set_ylim(number - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
        axes.spines['bottom'].set_visible(False)
        axes.grid(axis='x')
        told = [f'{run.name}: {", ".join(map(text_of, run.values))}' for run in runs]
        return _svg(figure, f'{title}, {"; ".join(told)}')


def _padded(values: Values, number: int) -> list[float]:
    """Lengthen values to that number; what there is none of is not drawn."""
    known = [math.nan if v is None or not math.isfinite(v) else float(v) for v in values]
    return known + [math.nan] * (number - len(known))
