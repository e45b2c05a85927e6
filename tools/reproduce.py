"""Run whole tables: ``python tools/reproduce.py CONFIG... --seeds 1 2 3``.

Of each config: trains the teacher if its file is not there, distils once a seed, and
writes accuracies, minutes, memory, hardware and versions. It can be stopped at any time:
started again with the same arguments it goes on where it was, and skips what is done.
"""

import argparse
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mmengine
import mmpretrain
import timm
import torch
from mmengine.config import Config, DictAction
from mmengine.runner import find_latest_checkpoint

TOOLS = Path(__file__).parent


def train(config: str, work_dir: Path, options: dict[str, Any], arguments: list[str]) -> None:
    """Run tools/train.py, from its newest checkpoint if there is one.

    Raises:
        SystemExit: if it fails; it has said why, which a traceback of ours would only hide.
    """
    started = time.time()
    command = [sys.executable, str(TOOLS / 'train.py'), config, '--work-dir', str(work_dir)]
    command += ['--resume', 'auto', *arguments, '--cfg-options']
    command += [f'{key}={value}' for key, value in options.items()]
    print('$', shlex.join(command), flush=True)
    status = subprocess.run(command).returncode
    if status:
        logs = [log for log in work_dir.glob('*/*.log') if log.stat().st_mtime >= started - 1]
        where = f', its log is {max(logs)}' if logs else ', it left no log'
        sys.exit(
            f'training {config} in {work_dir} failed with exit status {status}; its message is '
            f'above{where}'
        )


def newest(folder: Path) -> str:
    """Return the name of the newest whole checkpoint, or an empty string.

    MMEngine notes it only once it is written; a killed run may have left half of another.
    """
    return Path(find_latest_checkpoint(str(folder)) or '').name


def make_teacher(teacher: Config, options: dict[str, Any], arguments: list[str]) -> None:
    """Train the teacher whose file is ``work_dirs/teachers/NAME/epoch_N.pth``, if it is none.

    Raises:
        FileNotFoundError: if the file is missing and no config makes it.
    """
    checkpoint = teacher.get('checkpoint')
    path = Path(checkpoint or '')
    made_here = newest(path.parent)
    if not checkpoint or '://' in checkpoint or (path.is_file() and made_here in ('', path.name)):
        return
    config = TOOLS.parent / 'configs' / 'teachers' / f'{path.parent.name}.py'
    if config.is_file():
        options = {'randomness.seed': 0} | options
        train(str(config), path.parent, options, arguments)
    if not path.is_file():
        raise FileNotFoundError(
            f'the teacher {checkpoint} should be there, but is not; {teacher.get("how_to_get")}'
        )


def check_options(work_dir: Path, options: dict[str, Any]) -> None:
    """Raise a ValueError if the work dir has a run with other options; note these."""
    file, given = work_dir / 'options.json', json.loads(json.dumps(options, default=str))
    if file.is_file() and (before := json.loads(file.read_text())) != given:
        raise ValueError(
            f'the options should be those that {work_dir} was begun with, {before}, but got '
            f'{given}; use another --work-dir'
        )
    work_dir.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(given))


def step_back(work_dir: Path, rounds: int) -> None:
    """Make a run that was killed in its last evaluation resume before it, not after."""
    if newest(work_dir) == f'iter_{rounds}.pth':
        (work_dir / f'iter_{rounds}.pth').unlink()
        earlier = sorted(work_dir.glob('iter_*.pth'), key=lambda path: path.stat().st_mtime)
        marker = work_dir / 'last_checkpoint'
        marker.write_text(str(earlier[-1])) if earlier else marker.unlink()


def read_run(work_dir: Path, rounds: int) -> dict[str, float] | None:
    """Read a finished run's figures from its logs; a resumed run has several.

    Returns:
        None if it was not evaluated after its last round.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    # The last line of a killed run may be half a line.
    text = [line for log in logs for line in log.read_text().splitlines() if line.endswith('}')]
    lines = [json.loads(line) for line in text]
    last = [line for line in lines if 'accuracy/top1' in line and line['step'] == rounds]
    if not last:
        return None
    # A step that was run again after a kill counts once: the last wins.
    times = {line['iter']: line['time'] for line in lines if 'iter' in line and 'time' in line}
    seconds, before = 0.0, 0
    for iteration in sorted(times):
        seconds += times[iteration] * (iteration - before)
        before = iteration
    return {
        'student': last[-1]['accuracy/top1'],
        'teacher': last[-1]['teacher/accuracy/top1'],
        'minutes': seconds / 60,
        'memory': max((line.get('memory', 0) for line in lines), default=0),
    }


def run(
    config: str, seed: int, work_dir: Path, args: argparse.Namespace, rounds: int
) -> dict[str, float]:
    """Distil with one seed, unless that is done; returns the figures.

    Raises:
        ValueError: if the config does not evaluate.
    """
    options = {'randomness.seed': seed} | args.cfg_options
    check_options(work_dir, options)
    if (figures := read_run(work_dir, rounds)) is None:
        step_back(work_dir, rounds)
        train(config, work_dir, options, args.arguments)
        figures = read_run(work_dir, rounds)
    if figures is None:
        raise ValueError(
            f'{config} should evaluate after round {rounds}, its last, but did not; set '
            'train_cfg.val_interval to a divisor'
        )
    return figures


def row(name: str, runs: list[dict[str, float]]) -> str:
    """Format one config's runs as a row of the table."""
    students = [run['student'] for run in runs]
    spread = f' ± {statistics.stdev(students):.2f}' if len(runs) > 1 else ''
    each = ', '.join(f'{student:.2f}' for student in students)
    minutes = statistics.mean(run['minutes'] for run in runs)
    memory = max(run['memory'] for run in runs)
    cells = [
        f'`{name}`',
        f'{runs[0]["teacher"]:.2f}',
        f'{statistics.mean(students):.2f}{spread}',
        each,
        str(len(runs)),
        f'{minutes:.1f}',
        f'{memory:.0f}' if memory else '-',
    ]
    return '| ' + ' | '.join(cells) + ' |'


def report(runs: dict[str, list[dict[str, float]]], command: str) -> str:
    """Format all runs, the command, hardware and versions as Markdown."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()
    lines = [
        '| config | teacher % | student % | each | n | minutes | GPU MiB |',
        '|---|---|---|---|---|---|---|',
        *(row(name, of_one) for name, of_one in runs.items() if of_one),
        '',
        'Last checkpoints; mean ± standard deviation over n seeds; about the minutes of '
        'training, evaluation aside.',
        '',
        f'- command: `{command}`',
        f'- hardware: {device}, {torch.get_num_threads()} threads',
        f'- versions: Python {platform.python_version()}, torch {torch.__version__}, '
        f'mmengine {mmengine.__version__}, mmpretrain {mmpretrain.__version__}, '
        f'timm {timm.__version__}',
    ]
    return '\n'.join(lines) + '\n'


def cpu_name() -> str:
    """Return the processor's name and number of cores."""
    info = Path('/proc/cpuinfo')
    found = re.search(r'model name\s*: (.*)', info.read_text()) if info.is_file() else None
    return f'{found[1] if found else platform.machine()} ({os.cpu_count()} cores)'


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('configs', nargs='+', help='distillation configs')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--work-dir', default='work_dirs/reproduce', help='runs go here')
    parser.add_argument('--out', help='the table; by default results.md in the work dir')
    parser.add_argument('--amp', action='store_true', help='mixed precision; needs a GPU')
    for name, what in (('--cfg-options', 'configs'), ('--teacher-options', 'teachers’ configs')):
        parser.add_argument(
            name, nargs='+', action=DictAction, default={}, help=f'override the {what}'
        )
    args = parser.parse_args()
    args.arguments = ['--amp'] if args.amp else []
    return args


def main() -> None:
    """Run what is not done yet, and write the table after every run."""
    args = parse_args()
    out = Path(args.out or Path(args.work_dir) / 'results.md')
    command = 'python tools/reproduce.py ' + shlex.join(sys.argv[1:])
    runs: dict[str, list[dict[str, float]]] = {Path(config).stem: [] for config in args.configs}
    if len(runs) < len(args.configs):
        raise ValueError(f'configs should differ in their names, but got {args.configs}')
    for config in args.configs:
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(args.cfg_options)
        make_teacher(cfg.model.teacher, args.teacher_options, args.arguments)
        name = Path(config).stem
        for seed in args.seeds:
            work_dir = Path(args.work_dir) / name / f'seed{seed}'
            runs[name].append(run(config, seed, work_dir, args, cfg.train_cfg.max_iters))
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(report(runs, command))
    print(out.read_text())


if __name__ == '__main__':
    main()
