"""What finished runs came to, read from their logs, and a table of it in Markdown."""

import platform
import statistics
import subprocess
from pathlib import Path

import mmengine
import mmpretrain
import timm
import torch

from mmdfkd.hardware import device_name

from .run_logs import curves, merge, minutes_of, read_sessions
from .tables import markdown

_MARK = 'Last checkpoints; mean ± standard deviation over n seeds'


def read_run(work_dir: Path, last: int) -> dict[str, float] | None:
    """Read a finished run's figures from its logs; a resumed run has several.

    Args:
        work_dir: of a distiller or of a classifier's training.
        last: its last round, or epoch.

    Returns:
        ``accuracy`` and, of a distiller, ``teacher`` in %, ``minutes`` of training and
        ``memory`` in MiB, 0 without a GPU; None if it was not evaluated after ``last``.
    """
    sessions = read_sessions(work_dir)
    records = merge(sessions)  # what was run again after a kill counts once: the last wins
    evaluated = [line for line in records if 'accuracy/top1' in line and line['step'] == last]
    if not evaluated:
        return None
    figures = {
        'accuracy': evaluated[-1]['accuracy/top1'],
        'minutes': minutes_of(curves(records, validation=False).get('time', [])),
        'memory': max((line.get('memory', 0) for lines in sessions for line in lines), default=0),
    }
    if 'teacher/accuracy/top1' in evaluated[-1]:
        figures['teacher'] = evaluated[-1]['teacher/accuracy/top1']
    return figures


def row(name: str, runs: list[dict[str, float]]) -> list[str]:
    """Return the cells of one config's runs, of several seeds."""
    found = [run['accuracy'] for run in runs]
    spread = f' ± {statistics.stdev(found):.2f}' if len(found) > 1 else ''
    mean, each = statistics.mean(found), ', '.join(f'{value:.2f}' for value in found)
    student = 'teacher' in runs[0]
    minutes = statistics.mean(run['minutes'] for run in runs)
    memory = max(run['memory'] for run in runs)
    return [
        f'`{name}`',
        f'{runs[0]["teacher"] if student else mean:.2f}',
        f'{mean:.2f}{spread}' if student else '-',
        each if student else '-',
        str(len(runs)),
        f'{minutes:.1f}',
        f'{memory:.0f}' if memory else '-',
    ]


def table(runs: dict[str, list[dict[str, float]]], command: str, note: str = '') -> str:
    """Format all runs, the command, hardware and versions as Markdown.

    Args:
        runs: the figures that ``read_run`` gave, a list of seeds by config.
        command: what made them.
        note: what else is to be said of them.
    """
    device = device_name()
    lines = [
        *([note, ''] if note else []),
        markdown(
            ['config', 'teacher %', 'student %', 'each', 'n', 'minutes', 'GPU MiB'],
            [row(name, of_one) for name, of_one in runs.items() if of_one],
        ),
        '',
        f'{_MARK}; about the minutes of training, evaluation aside.',
        '',
        f'- command: `{command}`',
        f'- commit: {commit()}',
        f'- hardware: {device}, {torch.get_num_threads()} threads',
        f'- versions: Python {platform.python_version()}, torch {torch.__version__}, '
        f'mmengine {mmengine.__version__}, mmpretrain {mmpretrain.__version__}, '
        f'timm {timm.__version__}',
    ]
    return '\n'.join(lines) + '\n'


def is_table(file: Path) -> bool:
    """Tell whether a file is a table of :func:`table`, which a newer one may replace."""
    return _MARK in file.read_bytes().decode(errors='replace')


def commit() -> str:
    """Return the commit of the code, or - where there is no git, or the package is installed."""
    here = Path(__file__).parent
    command = ['git', '-C', str(here), 'rev-parse', '--show-prefix', 'HEAD']
    try:
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    except FileNotFoundError:  # no git
        return '-'
    # A virtual environment may be in the repository of somebody else.
    return found[1] if found[:1] == [f'mmdfkd/{here.name}/'] else '-'
