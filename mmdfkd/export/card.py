"""The model card: the README of an exported folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmdfkd.config_tools.python_code import code
from mmdfkd.reports.tables import markdown

from .forms import library_of
from .onnx_file import TOLERANCE
from .student import TrainedStudent


@dataclass
class Written:
    """What an export wrote and measured.

    Args:
        files: the names of the files.
        dtype: of the pixels that ONNX and torch.export take.
        differences: of a file's logits from torch's, in units of the largest, by file.
        figures: rows of figure, value, n, hardware, as measured here.
        missing: why something was not measured.
    """

    files: list[str]
    dtype: str
    differences: dict[str, float] = field(default_factory=dict)
    figures: list[list[str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def card(student: TrainedStudent, written: Written) -> str:
    """Return the card, in Markdown with a head as model hubs read it."""
    record = student.record
    library = library_of(student)
    head = [
        '---',
        *([f'library_name: {library}'] if library else []),
        'pipeline_tag: image-classification',
        'tags: [knowledge-distillation, data-free]',
        '---',
        '',
        f'# {name_of(student.config)} by data-free distillation',
        '',
        f'An image classifier, distilled from {record["teacher"]} **without any of its training '
        f'data**, with mmdfkd {record["mmdfkd"]}.',
        '',
    ]
    parts = [_input(student), _use(student, written), _made(record), _figures(record, written)]
    return '\n'.join([*head, *parts, _unknown(student, written)]) + '\n'


def name_of(network: Mapping) -> str:
    """Return the architecture's name: of its backbone, of timm's or the hub's, or the class's."""
    if 'network' in network:  # without some of its blocks or channels
        return f'A part of {name_of(network["network"])}'
    if 'model_name' in network:  # timm's have a tag after a dot
        return network['model_name']
    kind = (network.get('backbone') or network)['type']
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__


def _input(student: TrainedStudent) -> str:
    channels, height, width = student.image_shape
    names = ', '.join(student.classes) if student.classes else 'not known, by number alone'
    mean, std = ([f'{value:g}' for value in numbers] for numbers in (student.mean, student.std))
    return _section(
        'What it takes and gives',
        f'Images of {height} x {width} pixels, {"grey" if channels == 1 else "RGB"}, '
        f'(batch, {channels}, {height}, {width}), values 0 to 255. ONNX and torch.export normalise '
        f'inside (mean {", ".join(mean)}; std {", ".join(std)}); the weights alone do not. '
        f'Out come {student.num_classes()} logits an image. The classes: {names}.'
        + ' The network itself takes BGR: ONNX and torch.export swap the channels inside; with '
        'the weights alone, normalise and swap.' * student.swap,
    )


def _use(student: TrainedStudent, written: Written) -> str:
    ways = _ways(student, written)
    used = [ways[name] for name in written.files if name in ways]
    modules = sorted({module for imported, _ in used for module in imported})
    lines = [*(f'import {module}' for module in modules), '', *(line for _, line in used)]
    own = ['Its network is a part of mmdfkd, which must be installed.'] * (
        'mmdfkd.' in str(student.config) and 'mmpretrain.py' in written.files
    )
    return _section('How to load it', '\n'.join(['```python', *lines, '```', *own]))


def _ways(student: TrainedStudent, written: Written) -> dict[str, tuple[list[str], str]]:
    """Return of each file what is to be imported, and the line that loads it."""
    session = "onnxruntime.InferenceSession('{}').run(None, {{'pixels': pixels}})  # numpy, {}"
    dtype, library = written.dtype, library_of(student)
    weights = "safetensors.torch.load_file('model.safetensors')"
    folder = {
        'timm': "timm.create_model('local-dir:.', pretrained=True)  # in this folder",
        'transformers': "transformers.AutoModelForImageClassification.from_pretrained('.')"
        '  # in this folder',
    }
    ways = {
        'model.onnx': (['onnxruntime'], session.format('model.onnx', dtype)),
        'model.int8.onnx': (
            ['onnxruntime'],
            session.format('model.int8.onnx', f'{dtype}; 8 bits inside'),
        ),
        'model.pt2': (
            ['torch'],
            f"torch.export.load('model.pt2').module()(pixels)  # torch, {dtype}",
        ),
        'model.safetensors': (['safetensors.torch'], f'{weights}  # the weights'),
        'mmpretrain.py': (
            ['mmpretrain'],
            "mmpretrain.ImageClassificationInferencer('mmpretrain.py', "
            "'mmpretrain.pth')('image.png')",
        ),
    }
    if library is None:
        built = _build(student, weights)
        ways['model.safetensors'] = (['mmdfkd.registry', 'safetensors.torch'], built)
    else:
        ways['config.json'] = ([library], folder[library])
    return ways


def _build(student: TrainedStudent, weights: str) -> str:
    """Return the lines that build the network and load the weights, for no library does."""
    config = code(student.config)
    needed = sorted({'mmdfkd', *re.findall(r"type='(\w+)\.", config)})
    steps = 'subtract mean from pixels, divide by std, and turn RGB to BGR'
    steps = steps if student.swap else 'subtract mean from pixels, and divide by std'
    return '\n'.join(
        [
            f'# It needs {", ".join(needed)}; {steps}.',
            f'network = mmdfkd.registry.MODELS.build({config})',
            f'network.load_state_dict({weights})',
            'network.eval()',
        ]
    )


def _made(record: dict[str, Any]) -> str:
    said = {
        'teacher': f'{record["teacher"]}, weights {record["teacher_weights"]}',
        'student': record['student'],
        'method': f'{record["method"]}: {record["about"]}',
        'rounds': record.get('rounds'),
        'images synthesised': record.get('images'),
        'seed': record.get('seed'),
        'minutes of training': record.get('minutes'),
        'hardware': record.get('hardware'),
        'versions': ', '.join(f'{k} {v}' for k, v in record.get('versions', {}).items()) or None,
        'config and checkpoint': f'{record["config"]}, {record["checkpoint"]}',
    }
    rows = [[name, str(value)] for name, value in said.items() if value is not None]
    return _section('How it was made', markdown(['what', 'it was'], rows))


def _figures(record: dict[str, Any], written: Written) -> str:
    rows = list(written.figures)
    hardware = record.get('hardware', 'not recorded')
    for name, value in record.get('validation', {}).items():
        teacher = name.startswith('teacher/')
        what = f'{"teacher" if teacher else "student"}, {name.removeprefix("teacher/")}'
        rows.append([f'{what}, of the run’s log', f'{value:.2f}', 'not recorded', hardware])
    for file in ('figures', 'robustness'):
        found = record.get(file, {})
        for name, value in found.get('values', {}).items():
            rows.append([f'{file}.json, {name}', f'{value:.4g}', found['n'], found['hardware']])
    checks = [
        f'{name} gives torch’s logits to {value:.1g} of the largest one (it must be within '
        f'{TOLERANCE:g}).'
        for name, value in written.differences.items()
    ]
    table = markdown(['figure', 'value', 'images', 'hardware'], [[str(c) for c in r] for r in rows])
    told = table if rows else 'None was measured.'
    return _section('Figures', '\n'.join([told, '', 'All are of one run, n = 1.', *checks]))


def _unknown(student: TrainedStudent, written: Written) -> str:
    record = student.record
    gaps = [
        'How other seeds would have fared: this is one run.',
        'The licence of the teacher’s weights, which may bind the student’s.',
        'Whether its config was chosen by looking at the test images that its figures are of.',
        'How it does on images of another source than the test set’s.',
        *written.missing,
    ]
    if not record.get('robustness', {}).get('values'):
        gaps.append('How it stands corruption and attack.')
    if student.classes is None:
        gaps.append('What its classes are called.')
    if 'minutes' not in record:
        gaps.append('How long its training took.')
    return _section('What is not known', '\n'.join(f'- {gap}' for gap in gaps))


def _section(title: str, text: str) -> str:
    return f'## {title}\n\n{text}\n'
