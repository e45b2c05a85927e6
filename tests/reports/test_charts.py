import json
import re

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

from mmdfkd.reports import svg_charts as charts


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
    content = {'seeds': [1, 2, 3], 'figures': figures, 'details': details}
    (run / 'figures.json').write_text(json.dumps(content))
    (run / 'robustness.json').write_text(json.dumps(ROBUSTNESS))
    html, _ = written(tmp_path, run)
    section = html.split('<h2>Classes and confidence</h2>')[1].split('</section>')[0]
    assert labels_of(section) == [
        'run: share of each class: 0.4, 0.6',
        'run: distance inside each class: 0.5, none, 0.25',
        'run: images by confidence: 0, 8',
        'run: share that is of the class asked for, by confidence: 0.25, 0.5',
        'run: FID inside each class: none, 10, 20',
    ]
    assert html.count('<rect style') == 12
    marks = re.findall(r'class="mark"[^>]*><title>(.*?)</title>', html)
    assert marks == ['0: 0.1', '1: 0.2', '2: 0.3', '1: 0.75', '1: 5']


def test_lines_of_many_runs_look_different():
    line = charts.Line
    assert len({line.numbered('run', [], number).style for number in range(15)}) == 15


def test_a_chart_places_its_points():
    line = charts.Line.numbered('run', [(0, 10.0), (5, float('nan')), (10, 30.0), (20, 20.0)], 0)
    page = checked(charts.line_chart('t', [line]))
    [points] = [a['points'] for tag, a in page.tags if tag == 'polyline']
    (x0, y0), (x1, y1), (x2, y2) = [map(float, point.split(',')) for point in points.split()]
    assert (x2 - x1) == pytest.approx(x1 - x0, abs=0.2)
    assert y1 < y2 < y0  # up is more
    assert (y0 - y2) == pytest.approx(y2 - y1, abs=0.2)


def test_a_single_point_is_placed_after_the_start(tmp_path):
    chart = charts.line_chart('t', [charts.Line.numbered('run', [(200, 97.0)], 0)])
    ticks = re.findall(r'text-anchor="middle">(\d+)</text>', chart)
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
    assert shown[0].endswith('round 100')
    assert shown[-1].endswith('round 2000')
    points = [len(a['points'].split()) for tag, a in page.tags if tag == 'polyline']
    assert 200 < max(points) <= 400
