import json
import re
from html import unescape

import pytest
from report_runs import (
    ROBUSTNESS,
    checked,
    labels_of,
    make_run,
    png,
    session,
    train_line,
    val_line,
    written,
)

from mmdfkd.reports import charts


def paths_of(svg, colour):
    """The points of each path in a colour that is seen, (x, y) in pixels from the top."""
    drawn = [a for tag, a in checked(svg).tags if tag == 'path']
    paths = [
        [tuple(map(float, point)) for point in re.findall(r'[ML] (\S+) (\S+)', a.get('d', ''))]
        for a in drawn
        if f'var(--{colour})' in a.get('style', '')
    ]
    return [path for path in paths if path and (colour == 'ink' or width_of(path))]


def width_of(path):
    return max(x for x, _ in path) - min(x for x, _ in path)


def texts_of(svg):
    """The words of a chart."""
    return [unescape(text) for text in re.findall(r'<text [^>]*>([^<]*)</text>', svg)]


def test_only_figures_of_classes_and_bins_are_bars(tmp_path):
    run = make_run(tmp_path / 'run')
    details = {
        'class_balance': {
            'share': [0.4, 0.6],
            'bin_count': [0, 8],
            'bin_confidence': [None, 0.75],
            'bin_accuracy': [0.25, 0.5],
        },
        'diversity': {
            'classes': [0, 2],
            'count': [3, 4],
            'intra': [0.5, 0.25],
            'classes_real': [0, 1, 2],
            'intra_real': [0.1, 0.2, 0.3],
        },
    }
    figures = {f'fidelity/fid_class_{i}': 10.0 * i for i in (1, 2)}
    figures |= {'fidelity/fid_class_1_floor': 5.0, 'fidelity/fid_class_mean': 15.0}
    content = {'settings': {}, 'seeds': [1, 2, 3], 'figures': figures, 'details': details}
    names = ['cat', '<b>$dog$', 'a name that is rather long']
    (run / '20260102_030405/class_names.json').write_text(json.dumps(names))
    (run / 'figures.json').write_text(json.dumps(content))
    (run / 'robustness.json').write_text(json.dumps(ROBUSTNESS))
    html, _ = written(tmp_path, run)
    section = html.split('<h2>Classes and confidence</h2>')[1].split('</section>')[0]
    assert labels_of(section) == [
        'Share of each class, run: 0.4, 0.6',
        'Distance inside each class, run: 0.5, none, 0.25',
        'Images by the teacher’s confidence, run: 0, 8',
        'Share of the class asked for, by confidence, run: 0.25, 0.5',
        'FID inside each class, run: none, 10, 20',
    ]
    names = [texts_of(svg)[-3:] for svg in section.split('<svg')[1:]]
    assert names[0][-2:] == ['cat', '<b>$dog$']
    assert names[1] == ['cat', '<b>$dog$', 'a name that is r…']
    assert names[2][-2:] == ['0.00 to 0.50', '0.50 to 1.00']
    assert len(paths_of(section, 'c0')) == 2 + 2 + 1 + 2 + 2  # one bin is empty
    assert len(paths_of(section, 'ink')) == 3 + 1 + 1  # what real images have


def test_bars_start_at_0_and_marks_are_on_their_scale():
    two = [charts.Bars('a', 0, [1.0, 2.0, None], [4.0]), charts.Bars('b', 6, [4.0, float('nan')])]
    svg = charts.bar_chart('t', two, ['x', 'y', 'z'])
    bars, [other] = paths_of(svg, 'c0'), paths_of(svg, 'c1')
    lengths = [width_of(bar) for bar in (*bars, other)]
    assert [length / lengths[0] for length in lengths] == pytest.approx([1, 2, 4])
    [[(mark, top), (_, bottom)]] = paths_of(svg, 'ink')
    assert mark == pytest.approx(max(x for x, _ in other))
    ends = sorted({y for _, y in bars[0]})
    assert sorted([top, bottom]) == pytest.approx(ends, abs=0.01)
    assert max(y for _, y in bars[0]) <= min(y for _, y in other) + 0.01


def test_of_many_bars_some_are_named():
    values = [float(i) for i in range(1, 1001)]
    svg = charts.bar_chart('t', [charts.Bars('a', 0, values)], [f'class {i}' for i in range(1000)])
    named = [text for text in texts_of(svg) if text.startswith('class')]
    assert 20 <= len(named) <= charts.MOST_NAMED
    assert len(paths_of(svg, 'c0')) == 1000


def test_lines_of_many_runs_look_different():
    line = charts.Line
    lines = [line.numbered('run', [], number) for number in range(15)]
    assert len({(line.colour, line.dash) for line in lines}) == 15
    page = checked(charts.legend(lines))
    swatches = {a['style'] for tag, a in page.tags if tag == 'span'}
    assert len(swatches) == 15


def test_a_chart_places_its_points():
    line = charts.Line.numbered('run', [(0, 10.0), (5, float('nan')), (10, 30.0), (20, 20.0)], 0)
    [[(x0, y0), (x1, y1), (x2, y2)]] = paths_of(charts.line_chart('t', [line]), 'c0')
    assert (x2 - x1) == pytest.approx(x1 - x0, abs=0.2)
    assert y1 < y2 < y0  # up is more
    assert (y0 - y2) == pytest.approx(y2 - y1, abs=0.2)


def test_a_single_point_is_placed_after_the_start(tmp_path):
    chart = charts.line_chart('t', [charts.Line.numbered('run', [(200, 97.0)], 0)])
    ticks = texts_of(chart)[: texts_of(chart).index('round')]
    assert (ticks[0], ticks[-1]) == ('0', '200')
    # The teacher beside it is a line.
    run = session(tmp_path / 'run', '20260101_000000', [train_line(200), val_line(200, 97.0)])
    html, _ = written(tmp_path, run)
    label = 'run from 97 at round 200 to 97 at 200; teacher from 90 at round 0 to 90 at 200'
    assert f'Accuracy: {label}' in labels_of(html)
    assert charts.line_chart('t', [charts.Line.numbered('run', [(0, 1.0)], 0)])


def test_of_many_pictures_and_points_some_are_shown(tmp_path):
    lines = [train_line(step, loss=float(step)) for step in range(1, 2001)]
    pictures = [(step, png(1)) for step in range(100, 2001, 100)]
    html, _ = written(tmp_path, session(tmp_path / 'run', '20260101_000000', lines, pictures))
    page = checked(html)
    shown = [attributes['alt'] for tag, attributes in page.tags if tag == 'img']
    assert len(shown) == 8
    assert shown[0].endswith('round 2000')  # the last is the large one
    assert shown[1].endswith('round 100')
    assert max(map(len, paths_of(html, 'c0'))) < 100  # a straight line


def test_a_chart_is_all_inside_its_frame_and_says_nothing_of_its_own():
    lines = [charts.Line.numbered('run', [(10**6, 1e-7), (10**7, 123456.789)], 0)]
    svg = charts.line_chart('<t>', lines, charts.WIDE, markers=True)
    assert 'viewBox="0 0 860 340"' in svg
    assert '<style' not in svg
    assert '://' not in svg
    names = re.findall(r' id="([^"]*)"', svg)
    assert len(names) == len(set(names))
    assert svg == charts.line_chart('<t>', lines, charts.WIDE, markers=True)
    other = charts.line_chart('other', lines, charts.WIDE, markers=True)
    assert not set(names) & set(re.findall(r' id="([^"]*)"', other))
