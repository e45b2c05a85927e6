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
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import mmengine
import mmpretrain
import timm
import torch
from mmengine.config import Config

TOOLS = Path(__file__).parent


def train(config: str, work_dir: Path, options: list[str], arguments: list[str]) -> None:
    """Run tools/train.py, from its newest checkpoint if there is one."""
    command = [sys.executable, str(TOOLS / 'train.py'), config, '--work-dir', str(work_dir)]
    command += ['--resume', 'auto', *arguments, '--cfg-options', *options]
    print('$', ' '.join(command), flush=True)
    subprocess.run(command, check=True)


def make_teacher(checkpoint: str, options: list[str], arguments: list[str]) -> None:
    """Train the teacher whose file is ``work_dirs/teachers/NAME/epoch_N.pth``, if it is none.

    Raises:
        FileNotFoundError: if the file is missing and no config makes it.
    """
    path = Path(checkpoint)
    if '://' in checkpoint or path.is_file():
        return
    config = TOOLS.parent / 'configs' / 'teachers' / f'{path.parent.name}.py'
    if not config.is_file():
        raise FileNotFoundError(
            f'the teacher {checkpoint} should be there, but is not, and {config} does not '
            'exist to train it; put it there or set model.teacher.checkpoint'
        )
    train(str(config), path.parent, options or ['randomness.seed=0'], arguments)


def finished(work_dir: Path, rounds: int) -> bool:
    """Whether the run's last checkpoint is that of its last round."""
    marker = work_dir / 'last_checkpoint'
    return marker.is_file() and marker.read_text().strip().endswith(f'iter_{rounds}.pth')


def read_run(work_dir: Path) -> dict[str, float]:
    """Read a finished run's figures from its logs; a resumed run has several.

    Raises:
        ValueError: if the run was not evaluated.
    """
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    accuracies = [line for line in lines if 'accuracy/top1' in line]
    if not accuracies:
        raise ValueError(
            f'the logs of {work_dir} should have accuracy/top1, but have none; '
            'run without --no-validate'
        )
    # A step that was run again after a kill counts once: the last wins.
    times = {line['iter']: line['time'] for line in lines if 'iter' in line and 'time' in line}
    rounds, seconds, before = sorted(times), 0.0, 0
    for iteration in rounds:
        seconds += times[iteration] * (iteration - before)
        before = iteration
    return {
        'student': accuracies[-1]['accuracy/top1'],
        'teacher': accuracies[-1]['teacher/accuracy/top1'],
        'minutes': seconds / 60,
        'memory': max((line.get('memory', 0) for line in lines), default=0),
    }


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
        'Last checkpoints; mean ± standard deviation over n seeds; minutes of training, '
        'evaluation aside.',
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
    parser.add_argument('--cfg-options', nargs='+', default=[], help='override the configs')
    parser.add_argument(
        '--teacher-options', nargs='+', default=[], help='override the teachers’ configs'
    )
    return parser.parse_args()


def main() -> None:
    """Run what is not done yet, and write the table after every run."""
    args = parse_args()
    arguments = ['--amp'] if args.amp else []
    out = Path(args.out or Path(args.work_dir) / 'results.md')
    command = 'python tools/reproduce.py ' + ' '.join(sys.argv[1:])
    runs: dict[str, list[dict[str, Any]]] = {Path(config).stem: [] for config in args.configs}
    for config in args.configs:
        cfg = Config.fromfile(config)
        cfg.merge_from_dict(dict(option.split('=', 1) for option in args.cfg_options))
        make_teacher(cfg.model.teacher.checkpoint, args.teacher_options, arguments)
        for seed in args.seeds:
            name = Path(config).stem
            work_dir = Path(args.work_dir) / name / f'seed{seed}'
            if not finished(work_dir, int(cfg.train_cfg.max_iters)):
                options = [f'randomness.seed={seed}', *args.cfg_options]
                train(config, work_dir, options, arguments)
            runs[name].append(read_run(work_dir))
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(report(runs, command))
    print(out.read_text())


if __name__ == '__main__':
    main()
