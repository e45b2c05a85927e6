"""Line and bar charts as inline SVG, coloured by the page's style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.ticker import MaxNLocator

_NUM_COLOURS = 5  # var(--c0) to var(--c4) of the page
_DASHES = ('none', '9 4', '4 3')  # as colours come again
_MOST_POINTS = 400  # of a line: more cannot be seen
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 10, 34  # margins, in pixels


@dataclass
class Line:
    """One line of a chart.

    Args:
        name: what it is.
        points: (x, y).
        colour: a variable of the page's style sheet.
        dashes: SVG's dash pattern.
    """

    name: str
    points: Sequence[tuple[float, float]]
    colour: str = 'muted'
    dashes: str = '2 4'

    @classmethod
    def numbered(cls, name: str, points: Sequence[tuple[float, float]], number: int) -> 'Line':
        """Make the line of the run of that number; no two of 15 look alike."""
        dashes = _DASHES[number // _NUM_COLOURS % len(_DASHES)]
        return cls(name, points, f'c{number % _NUM_COLOURS}', dashes)

    @property
    def style(self) -> str:
        """The attribute that shows it."""
        return f'style="stroke:var(--{self.colour});stroke-dasharray:{self.dashes}"'


@dataclass
class Scale:
    """Maps [low, high] to the pixels [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Map ``value`` to its pixel."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int, integer: bool = False) -> list[float]:
        """Choose at most ``most`` + 1 round numbers in the range."""
        values = MaxNLocator(most, integer=integer).tick_values(self.low, self.high)
        return [value for value in values if self.low <= value <= self.high]


def text_of(value: float) -> str:
    """Format a number in four digits."""
    return f'{value:.4g}'


def spread(values: list[float]) -> tuple[float, float]:
    """Return the range of values, with some room; never empty."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.04 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Leave out what is not finite, and most of very many points, but not the last."""
    finite = [point for point in points if math.isfinite(point[1])]
    stride = max(1, math.ceil(len(finite) / _MOST_POINTS))
    return finite[::-stride][::-1]


def axes(x: Scale, y: Scale, x_label: str, x_ticks: int) -> str:
    """Draw the grid, the ticks and the label of x."""
    parts = []
    for value in y.ticks(5):
        at = y(value)
        parts.append(
            f'<line class="grid" x1="{x.start}" x2="{x.end}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text x="{x.start - 6}" y="{at + 4:.1f}" text-anchor="end">{text_of(value)}</text>'
        )
    for value in x.ticks(x_ticks, integer=True):
        parts.append(
            f'<text x="{x(value):.1f}" y="{y.start + 15}" text-anchor="middle">{value:g}</text>'
        )
    middle = (x.start + x.end) / 2
    parts.append(
        f'<text x="{middle}" y="{y.start + 30}" text-anchor="middle">{escape(x_label)}</text>'
    )
    parts.append(f'<line class="axis" x1="{x.start}" x2="{x.end}" y1="{y.start}" y2="{y.start}"/>')
    return ''.join(parts)


def swatch(line: Line) -> str:
    """Show a line as a legend does."""
    return (
        '<svg class="swatch" viewBox="0 0 30 10" aria-hidden="true">'
        f'<polyline {line.style} points="0,5 30,5"/></svg>'
    )


def legend(lines: list[Line], values: bool) -> str:
    """Name the lines of a chart, with their last ``values`` if wanted."""
    return '<ul class="legend">{}</ul>'.format(
        ''.join(
            f'<li>{swatch(line)} {escape(line.name)}'
            + (f' <b>{line.points[-1][1]:.2f}</b>' if values else '')
            + '</li>'
            for line in lines
        )
    )


def svg(width: int, height: int, alt: str, content: str) -> str:
    """Wrap the content of a picture, with a text for those who do not see it."""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}">{content}</svg>'
    )


def line_chart(
    title: str, lines: list[Line], width: int = 360, height: int = 210, markers: bool = False
) -> str:
    """Draw lines over rounds, with a mark and a tooltip a point if ``markers``."""
    drawn = [(line, thin(line.points)) for line in lines]
    drawn = [(line, points) for line, points in drawn if points]
    xs = [point[0] for _, points in drawn for point in points]
    low, high = min(xs, default=0), max(xs, default=1)
    if low == high:  # the only round is seen as so many rounds after the start
        low, high = 0, max(high, 1)
    x = Scale(low, high, _LEFT, width - _RIGHT)
    y = Scale(*spread([p[1] for _, points in drawn for p in points]), height - _BOTTOM, _TOP)
    parts = [axes(x, y, 'round (iteration)', width // 90)]
    for line, points in drawn:
        path = ' '.join(f'{x(step):.1f},{y(value):.1f}' for step, value in points)
        parts.append(f'<polyline {line.style} points="{path}"/>')
        if (markers and line.colour != 'muted') or len(points) == 1:
            parts += [
                f'<circle style="fill:var(--{line.colour})" cx="{x(step):.1f}" '
                f'cy="{y(value):.1f}" r="3.5"><title>{escape(line.name)}, round {step}: '
                f'{text_of(value)}</title></circle>'
                for step, value in points
            ]
    ends = [
        f'{line.name} from {text_of(points[0][1])} at round {points[0][0]} '
        f'to {text_of(points[-1][1])} at {points[-1][0]}'
        for line, points in drawn
    ]
    return svg(width, height, f'{title}: {"; ".join(ends) or "no points"}', ''.join(parts))


def bar_chart(
    title: str,
    values: Sequence[float | None],
    number: int,
    x_label: str,
    marks: Sequence[float | None] = (),
) -> str:
    """Draw a bar for each value, counted from 0, in the colour of the run of that number.

    ``marks`` are lines at what the bars are to be compared with.
    """
    width, height = 360, 190
    finite = [value if value is not None and math.isfinite(value) else 0.0 for value in values]
    compared = [
        (i, mark) for i, mark in enumerate(marks) if mark is not None and math.isfinite(mark)
    ]
    x = Scale(-0.5, max(len(finite), len(marks)) - 0.5, _LEFT, width - _RIGHT)
    seen = [0.0, *finite, *(mark for _, mark in compared)]
    low, high = min(seen), max(seen)
    y = Scale(low, high if high > low else low + 1, height - _BOTTOM, _TOP)
    bar = (x(1) - x(0)) * 0.8
    bars = [
        f'<rect style="fill:var(--c{number % _NUM_COLOURS})" x="{x(i) - bar / 2:.1f}" '
        f'width="{bar:.1f}" y="{min(y(value), y(0)):.1f}" height="{abs(y(0) - y(value)):.1f}">'
        f'<title>{i}: {text_of(value)}</title></rect>'
        for i, value in enumerate(finite)
    ]
    bars += [
        f'<rect class="mark" x="{x(i) - bar / 2:.1f}" width="{bar:.1f}" y="{y(mark) - 2:.1f}" '
        f'height="4"><title>{i}: {text_of(mark)}</title></rect>'
        for i, mark in compared
    ]
    listed = ', '.join('none' if value is None else text_of(value) for value in values)
    return svg(width, height, f'{title}: {listed}', axes(x, y, x_label, 10) + ''.join(bars))
