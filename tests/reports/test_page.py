import base64
import json
import re

import torch
from report_runs import (
    CONFIG,
    ROBUSTNESS,
    TEACHER,
    checked,
    make_run,
    png,
    rows_of,
    session,
    train_line,
    val_line,
    written,
)
from toy_run import toy_runner


def test_a_run_of_ours_is_summed_up(tmp_path):
    runner = toy_runner(tmp_path / 'run', 20, grid_interval=10)
    runner.train()
    html, markdown = written(tmp_path, tmp_path / 'run')
    [row] = rows_of(markdown, 'Summary')
    accuracy = runner.message_hub.get_scalar('val/accuracy/top1').current()
    teacher = runner.message_hub.get_scalar('val/teacher/accuracy/top1').current()
    assert row[:3] == ['run', f'{accuracy:.2f}', f'{teacher:.2f}']
    assert row[5] == '20'
    assert row[-1] == 'iter_20.pth'
    assert dict(rows_of(markdown, 'Versions and timings'))['PyTorch'] == torch.__version__
    page = checked(html)
    pictures = [attributes for tag, attributes in page.tags if tag == 'img']
    assert [p['alt'] for p in pictures] == [
        'synthetic images of run at round 20',
        'real images of run',
        'synthetic images of run at round 10',
    ]
    [folder] = (tmp_path / 'run').glob('*/vis_data/vis_image')
    for picture, name in zip(pictures, ('synthetic_20', 'real_0', 'synthetic_10'), strict=True):
        content = base64.b64decode(picture['src'].removeprefix('data:image/png;base64,'))
        assert content == (folder / f'{name}.png').read_bytes()


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
    assert rows_of(markdown, 'Summary') == [
        ['run', '–', '–', '–', 'config', '–', '10', '0', '0.5', '–']
    ]
    assert 'No run was validated on labelled images.' in page.texts


def test_a_run_without_pictures_log_or_config_is_reported(tmp_path):
    data = tmp_path / 'run/20260101_000000/vis_data'
    data.mkdir(parents=True)
    (data / 'scalars.json').write_text(train_line(10) + '\n' + val_line(10, float('nan')))
    html, markdown = written(tmp_path, tmp_path / 'run')
    assert 'No run has left pictures.' in checked(html).texts
    assert rows_of(markdown, 'Summary')[0][1] == 'nan'


def test_runs_are_set_side_by_side(tmp_path):
    runs = [make_run(tmp_path / name, kd_steps=steps) for name, steps in (('a', 10), ('b', 20))]
    figures = {
        'settings': {},
        'protocol': 'held-out latents',
        'figures': {'fid': 31.25, 'fid_class_3': 40.5, 'recall': 0.5},
        'details': {'class_balance': {'share': [10, 30, None, 20], 'names': ['a', 'b']}},
    }
    (runs[0] / 'figures.json').write_text(json.dumps(figures))
    (runs[1] / 'robustness.json').write_text(json.dumps(ROBUSTNESS))
    html, markdown = written(tmp_path, *runs)
    assert [row[0] for row in rows_of(markdown, 'Summary')] == ['a', 'b']
    assert rows_of(markdown, 'Differences of the configs') == [['model.kd_steps', '10', '20']]
    assert rows_of(markdown, 'Figures') == [['fid', '31.25', '–'], ['recall', '0.5', '–']]
    assert rows_of(markdown, 'Figures of each class') == [['fid_class_3', '40.5', '–']]
    protocol = rows_of(markdown, 'Figures: how they were measured')
    assert protocol == [['protocol', 'held-out latents', '–']]
    rows = rows_of(markdown, 'Robustness: every corruption and attack')
    assert ['fog/5 / student', '–', '50.5'] in rows
    assert ['fog / student', '–', '60.25'] in rows
    page = checked(html)
    labels = [attributes.get('aria-label') for tag, attributes in page.tags if tag == 'svg']
    assert 'Share of each class, a: 10, 30, none, 20' in labels
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


def test_the_page_needs_and_runs_nothing_else(tmp_path):
    name = '<script>alert(1)|"&'
    run = make_run(tmp_path / name, pictures=[(10, png(1))])
    config = run / '20260102_030405/vis_data/config.py'
    proof = tmp_path / 'proof'
    config.write_text(config.read_text() + f'evil = open({str(proof)!r}, "w")\n# </pre><b>')
    (run / 'figures.json').write_text(
        json.dumps({'settings': {}, 'figures': {'<img src=x>': '<b>"\'|'}})
    )
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
    inside = ('data:image/png;base64,', '#', 'url(#')  # of a chart: its own marks and frame
    assert [link for link in links if not link.startswith(inside)] == ['x&gt;']
    assert '://' not in html
    handlers = [key for _, attributes in page.tags for key in attributes if key.startswith('on')]
    assert not handlers
    assert '<script' not in markdown
    [row] = rows_of(markdown, 'Summary')
    assert len(row) == 10  # the bar in the name is no cell's end


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
    fixed = re.findall(r'#[0-9a-f]{6}\b', html.split('</style>')[1])
    assert not [colour for colour in fixed if colour not in ('#000000', '#ffffff')]
    for scheme in (light, dark):
        assert used <= set(re.findall(r'(--\w+):', scheme))


def test_names_are_no_markdown_and_absurd_classes_no_bars(tmp_path):
    run = make_run(tmp_path / 'run')
    name = '[go](https://evil.example) `x` ![p](http://evil.example/p.png) *b*'
    details = {'classes': [0, 10**9], 'intra': [1.0, 2.0]}
    figures = {name: 1.0, f'fidelity/fid_class_{10**9}': 1.0, 'fidelity/fid_class_0': 1.0}
    content = {'settings': {}, 'figures': figures, 'details': {'diversity': details}}
    (run / 'figures.json').write_text(json.dumps(content))
    html, markdown = written(tmp_path, run)  # and in no time
    assert r'\[go\](https&#58;//evil.example) \`x\` \!\[p\]' in markdown
    assert '://' not in markdown
    assert 'Classes and confidence' not in html
