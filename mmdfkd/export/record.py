"""What is known of how a student was made: of its config, its checkpoint and its run's logs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

import mmdfkd
from mmdfkd.evaluation.robustness import ATTACKS
from mmdfkd.registry import MODELS
from mmdfkd.reports.run_logs import Run, read_run

#: Parts of a network's config that say nothing of its form.
_LEFT_OUT = ('type', 'data_preprocessor', 'init_cfg', 'loss', 'pretrained', 'weights')

#: Rows of robustness.json that no mean is of.
_ALONE = ('clean', *(f'{attack}/' for attack in ATTACKS))


def record_of(
    cfg: Config, checkpoint: str | Path, weights: Mapping[str, Tensor], meta: Mapping
) -> dict[str, Any]:
    """Gather it as strings, numbers and dicts of them, which a checkpoint can hold.

    Args:
        cfg: the config of the run.
        checkpoint: path or URL; logs are looked for beside it.
        weights: the checkpoint's.
        meta: the checkpoint's.
    """
    teacher = cfg.model.teacher
    brought = teacher.network.get('pretrained') or teacher.network.get('weights')
    brought = 'of its library' if brought is True else brought
    record: dict[str, Any] = dict(
        method=_name(cfg.model.type),
        about=_first_line(cfg.model.type),
        teacher=describe(teacher.network),
        teacher_weights=Path(str(teacher.get('checkpoint') or brought)).name,
        student=describe(cfg.model.student.network),
        config=Path(cfg.filename).name,
        checkpoint=Path(str(checkpoint)).name,
        mmdfkd=mmdfkd.__version__,
    )
    numbers = dict(rounds='rounds.count', images='memory.num_added.count')
    record |= {name: int(weights[key]) for name, key in numbers.items() if key in weights}
    record |= {name: meta[name] for name in ('seed', 'time') if meta.get(name) is not None}
    try:
        run = read_run(Path(checkpoint).parent, '')
    except FileNotFoundError:
        return record
    return record | _of_logs(run, record.get('rounds', 0))


def describe(network: Mapping) -> str:
    """Say in a line what a config builds.

    Examples:
        >>> describe(dict(type='ImageClassifier', backbone=dict(type='ThinResNet', depth=20)))
        'ImageClassifier(backbone=ThinResNet(depth=20))'
    """

    def word(value: Any) -> str:
        return describe(value) if isinstance(value, Mapping) and 'type' in value else repr(value)

    options = [f'{k}={word(v)}' for k, v in network.items() if k not in _LEFT_OUT]
    return f'{_name(network["type"])}({", ".join(options)})'


def _of_logs(run: Run, rounds: int) -> dict[str, Any]:
    """Return accuracies at this checkpoint, files of figures, minutes and hardware of a run."""
    found: dict[str, Any] = {}
    reached = {name: dict(curve).get(rounds) for name, curve in run.val.items()}
    validation = {name: value for name, value in reached.items() if value is not None}
    if validation:
        found['validation'] = validation
    for name in ('figures', 'robustness'):
        file = run.figures.get(name, {})
        of_this = Path(str(file.get('settings', {}).get('checkpoint', ''))).name
        if of_this == f'iter_{rounds}.pth':
            found[name] = dict(
                values=file.get('figures', _robustness(file)),
                n=int(file.get('num_fake') or file['settings'].get('num', 0)),
                hardware=file['measured']['hardware'],
            )
    if run.rounds == rounds:
        found['minutes'] = round(run.minutes, 1)
    devices = [value for name, value in run.environment.items() if re.match(r'GPU [0-9]', name)]
    versions = {k: v for k, v in run.environment.items() if k in ('Python', 'PyTorch', 'MMEngine')}
    gpu = run.environment.get('CUDA available') == 'True'
    found['hardware'] = ', '.join(devices) if gpu else run.environment.get('CPU', 'CPU')
    return found | dict(versions=versions)


def _robustness(file: dict) -> dict[str, float]:
    """Return the student's accuracies: clean, after each attack, and the means of corruptions."""
    rows = {k: row for k, row in file.get('accuracy', {}).items() if k.startswith(_ALONE)}
    return {name: row['student'] for name, row in (rows | file.get('means', {})).items()}


def _name(kind: Any) -> str:
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__


def _first_line(kind: Any) -> str:
    found = MODELS.get(kind) if isinstance(kind, str) else kind
    return (found.__doc__ or '').strip().split('\n')[0] if found else ''
