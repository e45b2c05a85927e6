import base64
import json
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from load_tool import load_tool
from toy_run import toy_runner

CONFIG = """
batch_size = 8
model = dict(
    generator=dict(latent_dim=5, type='mmdfkd.models.generators.ConditionalGenerator'),
    kd_steps={kd_steps},
    type='mmdfkd.models.distillers.DEDFKD')
train_cfg = dict(max_iters=40, type='mmengine.runner.IterBasedTrainLoop')
train_dataloader = dict(batch_size=8)
work_dir = '{name}'
"""
LOG = """2026/01/02 03:04:05 - mmengine - INFO -
------------------------------------------------------------
System environment:
    Python: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
    GPU 0: Some <GPU> 9000
    PyTorch: 2.15.0
    seed: 3
    GPU number: 2
"""
VOID = {'meta', 'img'}
TEACHER = 'teacher/accuracy/top1'


def png(shade):
    """A grey picture of one pixel."""

    def chunk(kind, data):
        content = kind + data
        return struct.pack('>I', len(data)) + content + struct.pack('>I', zlib.crc32(content))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 0, 0, 0, 0))
    data = chunk(b'IDAT', zlib.compress(bytes([0, shade])))
    return b'\x89PNG\r\n\x1a\n' + header + data + chunk(b'IEND', b'')


def train_line(step, loss=1.0):
    return json.dumps(
        {'student.lr': 0.1, 'generator/loss': loss, 'time': 3.0, 'iter': step, 'step': step}
    )


def val_line(step, student, **more):
    figures = {'accuracy/top1': student, TEACHER: 90.0, **more}
    return json.dumps({**figures, 'time': 0.1, 'data_time': 0.1, 'step': step})


def session(work_dir, time, lines, pictures=(), kd_steps=10):
    data = work_dir / time / 'vis_data'
    (data / 'vis_image').mkdir(parents=True)
    (data / 'scalars.json').write_text('\n'.join(lines))
    (data / 'config.py').write_text(CONFIG.format(name=work_dir.name, kd_steps=kd_steps))
    (work_dir / time / f'{time}.log').write_text(LOG)
    for step, content in pictures:
        (data / 'vis_image' / f'synthetic_{step}.png').write_bytes(content)
    return work_dir


def make_run(work_dir, **options):
    lines = [train_line(10), train_line(20), val_line(20, 55.5), train_line(30), train_line(40)]
    session(work_dir, '20260102_030405', [*lines, val_line(40, 66.25)], **options)
    (work_dir / 'my_config.py').write_text('')
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'iter_40.pth'))
    return work_dir


class Checker(HTMLParser):
    """Collects tags and texts; fails on a tag that is not closed in turn."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f'</{tag}> closes nothing'
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def checked(html):
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert not checker.open
    return checker


def written(tmp_path, *work_dirs):
    out, markdown = tmp_path / 'report.html', tmp_path / 'report.md'
    arguments = [*map(str, work_dirs), '--out', str(out), '--markdown', str(markdown)]
    load_tool('report').main(arguments)
    return out.read_text(), markdown.read_text()


def rows_of(markdown, title):
    section = markdown.split(f'## {title}\n')[1].split('##')[0]
    lines = [line for line in section.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split(' | ')] for line in lines[2:]]


def test_a_run_of_ours_is_summed_up(tmp_path):
    runner = toy_runner(tmp_path / 'run', 20, grid_interval=10)
    runner.train()
    html, markdown = written(tmp_path, tmp_path / 'run')
    [row] = rows_of(markdown, 'Summary')
    accuracy = runner.message_hub.get_scalar('val/accuracy/top1').current()
    teacher = runner.message_hub.get_scalar('val/teacher/accuracy/top1').current()
    assert row[:5] == ['run', row[1], f'{accuracy:.2f}', f'{teacher:.2f}', '20']
    assert row[-1] == 'iter_20.pth'
    assert dict(rows_of(markdown, 'Versions and timings'))['PyTorch'] == torch.__version__
    page = checked(html)
    pictures = [attributes for tag, attributes in page.tags if tag == 'img']
    assert [p['alt'] for p in pictures] == [
        'synthetic images of run at round 10',
        'synthetic images of run at round 20',
    ]
    [folder] = (tmp_path / 'run').glob('*/vis_data/vis_image')
    for picture, step in zip(pictures, (10, 20), strict=True):
        content = base64.b64decode(picture['src'].removeprefix('data:image/png;base64,'))
        assert content == (folder / f'synthetic_{step}.png').read_bytes()


def test_summary_and_curves(tmp_path):
    html, markdown = written(tmp_path, make_run(tmp_path / 'run'))
    assert rows_of(markdown, 'Summary') == [
        # 8 images in each of 2 processes and 40 rounds, of 3 seconds
        ['run', 'my_config', '66.25', '90.00', '40', '40 of 40', '640', '2.0', 'iter_40.pth']
    ]
    versions = dict(rows_of(markdown, 'Versions and timings'))
    assert versions['Python'] == '3.11.7'
    assert versions['PyTorch'] == '2.15.0'
    assert versions['GPU 0'] == 'Some &lt;GPU&gt; 9000'
    assert versions['seconds a round (median)'] == '3'
    labels = [
        attributes.get('aria-label') for tag, attributes in checked(html).tags if tag == 'svg'
    ]
    assert (
        'Accuracy: run from 55.5 at round 20 to 66.25 at 40; '
        'teacher from 90 at round 20 to 90 at 40'
    ) in labels
    assert 'generator/loss: run from 1 at round 10 to 1 at 40' in labels


def test_a_resumed_run_is_one_curve_and_the_later_session_wins(tmp_path):
    run = tmp_path / 'run'
    first = [train_line(10), val_line(20, 50.0), train_line(20, 2.0), train_line(30, 7.0)]
    session(run, '20260101_000000', first, pictures=[(10, png(1)), (30, png(2))])
    second = [train_line(30, 3.0), train_line(40, 4.0), val_line(40, 60.0)]
    session(run, '20260102_000000', second, pictures=[(30, png(3))])
    found = load_tool('report').read_run(run, 'run')
    assert found.train['generator/loss'] == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)]
    assert found.val['accuracy/top1'] == [(20, 50.0), (40, 60.0)]
    assert found.pictures == {'synthetic': {10: png(1), 30: png(3)}}
    assert found.minutes == pytest.approx(40 * 3 / 60)
    assert found.sessions == 2
    # A run begun anew in the same folder has nothing of the old one.
    session(run, '20260103_000000', [train_line(10, 9.0)])
    assert load_tool('report').read_run(run, 'run').train['generator/loss'] == [(10, 9.0)]


def test_validations_that_count_epochs_are_placed_after_the_training_before(tmp_path):
    epochs = [
        {'loss': 2.0, 'time': 1.0, 'epoch': 1, 'iter': 50, 'step': 50},
        {'accuracy/top1': 40.0, 'step': 1},
        {'loss': 1.0, 'time': 1.0, 'epoch': 2, 'iter': 100, 'step': 100},
        {'accuracy/top1': 50.0, 'step': 2},
    ]
    session(tmp_path / 'teacher', '20260101_000000', map(json.dumps, epochs))
    found = load_tool('report').read_run(tmp_path / 'teacher', 'teacher')
    assert found.val['accuracy/top1'] == [(50, 40.0), (100, 50.0)]
    session(tmp_path / 'old', '20260101_000000', [train_line(10), val_line(0, 5.0)])
    found = load_tool('report').read_run(tmp_path / 'old', 'old')
    assert found.val['accuracy/top1'] == [(10, 5.0)]


def test_a_killed_or_running_run_is_reported_so_far(tmp_path):
    run = session(
        tmp_path / 'run',
        '20260101_000000',
        [train_line(10), train_line(20)[:30]],
        pictures=[(10, png(1)), (20, png(2)[:-3])],
    )
    (run / '20260101_000000/vis_data/config.py').write_text(CONFIG[:40])
    (run / 'figures.json').write_text('{"figures": {"fi')
    html, markdown = written(tmp_path, run)
    page = checked(html)
    assert len([tag for tag, _ in page.tags if tag == 'img']) == 1  # the other is half written
    assert rows_of(markdown, 'Summary') == [['run', 'config', '–', '–', '–', '10', '–', '0.5', '–']]
    assert 'No run was validated.' in page.texts


def test_a_run_without_pictures_log_or_config_is_reported(tmp_path):
    data = tmp_path / 'run/20260101_000000/vis_data'
    data.mkdir(parents=True)
    (data / 'scalars.json').write_text(train_line(10) + '\n' + val_line(10, float('nan')))
    html, markdown = written(tmp_path, tmp_path / 'run')
    assert 'No run has left pictures.' in checked(html).texts
    assert rows_of(markdown, 'Summary')[0][2] == 'nan'


def test_a_folder_without_a_run_is_an_error(tmp_path):
    read_run = load_tool('report').read_run
    with pytest.raises(FileNotFoundError, match=r'no run has logged anything there$'):
        read_run(tmp_path, 'name')
    make_run(tmp_path / 'a')
    with pytest.raises(FileNotFoundError, match=r"give one of the folders in it: \['a'\]"):
        read_run(tmp_path, 'name')
    session(tmp_path / 'b', '20260101_000000', [])
    with pytest.raises(FileNotFoundError, match=r'no run has logged anything there$'):
        read_run(tmp_path / 'b', 'name')


def test_runs_are_set_side_by_side(tmp_path):
    runs = [make_run(tmp_path / name, kd_steps=steps) for name, steps in (('a', 10), ('b', 20))]
    figures = {
        'protocol': 'held-out latents',
        'figures': {'fid': 31.25, 'fid_class_3': 40.5, 'recall': 0.5},
        'details': {'class_balance': {'share': [10, 30, None, 20], 'names': ['a', 'b']}},
    }
    (runs[0] / 'figures.json').write_text(json.dumps(figures))
    (runs[1] / 'robustness.json').write_text(json.dumps({'table': {'noise': {'student': 50.5}}}))
    html, markdown = written(tmp_path, *runs)
    assert [row[0] for row in rows_of(markdown, 'Summary')] == ['a', 'b']
    assert rows_of(markdown, 'Differences of the configs') == [['model.kd_steps', '10', '20']]
    assert rows_of(markdown, 'Figures') == [['fid', '31.25', '–'], ['recall', '0.5', '–']]
    assert rows_of(markdown, 'Figures of each class') == [['fid_class_3', '40.5', '–']]
    protocol = rows_of(markdown, 'Figures: how they were measured')
    assert protocol == [['protocol', 'held-out latents', '–']]
    assert rows_of(markdown, 'Robustness') == [['noise / student', '–', '50.5']]
    page = checked(html)
    labels = [attributes.get('aria-label') for tag, attributes in page.tags if tag == 'svg']
    assert 'a: class_balance / share: 10, 30, none, 20' in labels
    bars = [float(attributes['height']) for tag, attributes in page.tags if tag == 'rect']
    assert [bar / bars[0] for bar in bars] == pytest.approx([1, 3, 0, 2], rel=0.01)
    for cell in ('66.25', '31.25', '50.5', 'held-out latents'):
        assert cell in page.texts
    # A teacher of several runs is one line.
    assert any('; teacher from 90 at' in label for label in labels if label)
    other = session(tmp_path / 'c', '20260101_000000', [val_line(40, 5.0, **{TEACHER: 80.0})])
    html, _ = written(tmp_path, *runs, other)
    assert 'teacher of a, b from 90 at round 20 to 90 at 40; teacher of c from 80' in html
    # Both have that name: they are called by their paths.
    again = make_run(tmp_path / 'other/a')
    _, markdown = written(tmp_path, runs[0], again)
    assert [row[0] for row in rows_of(markdown, 'Summary')] == [str(runs[0]), str(again)]


def test_figures_of_the_validation_have_a_table_and_charts(tmp_path):
    lines = [train_line(10), val_line(10, 5.0, fid=40.0), val_line(20, 6.0, fid=30.0)]
    html, markdown = written(tmp_path, session(tmp_path / 'run', '20260101_000000', lines))
    assert rows_of(markdown, 'Figures of the validation') == [['fid', '30']]
    labels = [
        attributes.get('aria-label') for tag, attributes in checked(html).tags if tag == 'svg'
    ]
    assert 'fid: run from 40 at round 10 to 30 at 20' in labels


def test_the_page_needs_and_runs_nothing_else(tmp_path):
    name = '<script>alert(1)|"&'
    run = make_run(tmp_path / name, pictures=[(10, png(1))])
    config = run / '20260102_030405/vis_data/config.py'
    proof = tmp_path / 'proof'
    config.write_text(config.read_text() + f'evil = open({str(proof)!r}, "w")\n# </pre><b>')
    (run / 'figures.json').write_text(json.dumps({'figures': {'<img src=x>': '<b>"\'|'}}))
    html, markdown = written(tmp_path, run)
    page = checked(html)
    assert not proof.exists()  # the config is read, not run
    assert not {'script', 'link', 'iframe', 'object', 'form'} & {tag for tag, _ in page.tags}
    assert name in ''.join(page.texts)
    assert '<img src=x>' in page.texts
    for tag, attributes in page.tags:
        if tag in ('img', 'svg') and 'aria-hidden' not in attributes:
            assert name in attributes.get('alt', attributes.get('aria-label'))
    links = re.findall(r'(?:src|href|url|@import)\s*[=(]\s*["\']?([^"\'\s<>]{0,30})', html)
    assert [link for link in links if not link.startswith('data:image/png;base64,')] == ['x&gt;']
    assert '://' not in html
    handlers = [key for _, attributes in page.tags for key in attributes if key.startswith('on')]
    assert not handlers
    assert '<script' not in markdown
    [row] = rows_of(markdown, 'Summary')
    assert len(row) == 9  # the bar in the name is no cell's end


def test_every_picture_says_what_it_is_and_both_schemes_have_colours(tmp_path):
    html, _ = written(tmp_path, make_run(tmp_path / 'run', pictures=[(10, png(1))]))
    for tag, attributes in checked(html).tags:
        if tag == 'img':
            assert attributes['alt']
        if tag == 'svg':
            assert attributes.get('aria-label') or attributes.get('aria-hidden') == 'true'
    style = html.split('<style>')[1].split('</style>')[0]
    light, dark = style.split('prefers-color-scheme: dark')
    used = set(re.findall(r'var\((--\w+)\)', html))
    assert used >= {'--c0', '--paper', '--ink', '--muted'}
    for scheme in (light, dark):
        assert used <= set(re.findall(r'(--\w+):', scheme))


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


def test_lines_of_many_runs_look_different():
    line = load_tool('svg_charts').Line
    assert len({line.numbered('run', [], number).style for number in range(15)}) == 15


def test_a_chart_places_its_points():
    charts = load_tool('svg_charts')
    line = charts.Line.numbered('run', [(0, 10.0), (5, float('nan')), (10, 30.0), (20, 20.0)], 0)
    page = checked(charts.line_chart('t', [line]))
    [points] = [a['points'] for tag, a in page.tags if tag == 'polyline']
    (x0, y0), (x1, y1), (x2, y2) = [map(float, point.split(',')) for point in points.split()]
    assert (x2 - x1) == pytest.approx(x1 - x0, abs=0.2)
    assert y1 < y2 < y0  # up is more
    assert (y0 - y2) == pytest.approx(y2 - y1, abs=0.2)


def test_config_is_parsed_as_mmengine_dumps_it(tmp_path):
    from mmengine.config import Config

    root = Path(__file__).parents[2]
    cfg = Config.fromfile(root / 'configs/dedfkd_lenet5_mnist5k.py')
    cfg.dump(tmp_path / 'config.py')
    parsed = load_tool('run_logs').parse_config((tmp_path / 'config.py').read_text())
    expected = Config.fromfile(tmp_path / 'config.py').to_dict()
    assert json.dumps(parsed, sort_keys=True) == json.dumps(expected, sort_keys=True)
