"""Work dirs of made-up runs for the tests of reports, and what reads a page of them."""

import json
import re
import struct
import zlib
from html.parser import HTMLParser

from load_tool import load_tool

CONFIG = """
batch_size = 8
model = dict(
    generator=dict(latent_dim=5, type='mmdfkd.models.generators.ConditionalGenerator'),
    kd_steps={kd_steps},
    teacher=dict(type='mmdfkd.models.classifiers.Classifier'),
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
ROBUSTNESS = {
    'settings': {'severities': [1, 5], 'num': 1000},
    'accuracy': {
        'clean': {'student': 90.0, 'teacher': 95.0},
        'fog/1': {'student': 70.0, 'teacher': 80.0},
        'fog/5': {'student': 50.5, 'teacher': 60.0},
        'snow/1': {'student': 72.0, 'teacher': 81.0},
        'snow/5': {'student': 40.5, 'teacher': 50.0},
        'fgsm/8': {'student': 20.0, 'teacher': 30.0},
        'pgd/8': {'student': 1.0, 'teacher': 0.0},
    },
    'means': {
        'fog': {'student': 60.25, 'teacher': 70.0},
        'mean of corruptions': {'student': 58.25, 'teacher': 67.75},
    },
}
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
    (work_dir / time / 'image_counts.json').write_text('[[0, 0], [10, 0], [50, 640]]')
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


def headings(html):
    return re.findall('<h2>([^<]*)</h2>', html)


def labels_of(html):
    found = [attributes.get('aria-label') for tag, attributes in checked(html).tags if tag == 'svg']
    return [label for label in found if label]
