"""Run whole tables: ``mmdfkd reproduce CONFIG... --seeds 1 2 3``.

Of each config: trains the teacher if its file is not there, distils once a seed, and
writes accuracies, minutes, memory, hardware and versions. It can be stopped at any time:
started again with the same arguments it goes on where it was, and skips what is done.
"""

import argparse
import json
import shlex
import signal
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import find_latest_checkpoint

from mmdfkd.cli.command import Parser, as_command, not_negative, typed
from mmdfkd.cli.toy_length import toy_checkpoint, toy_options
from mmdfkd.cli.try_model import try_model
from mmdfkd.config_tools import DictAction, config_file, read_config, read_distillation
from mmdfkd.config_tools.dumped_config import flatten
from mmdfkd.engine.amp import enable_amp
from mmdfkd.engine.check_training import check_accuracy, check_training
from mmdfkd.engine.work_dir import newest_checkpoint
from mmdfkd.outputs import Output
from mmdfkd.packaged import CONFIGS
from mmdfkd.reports.results import is_table, read_run, table

TRAIN = [sys.executable, '-m', 'mmdfkd.cli.train']
TEACHERS = CONFIGS / 'teachers'
SETTINGS = 'settings.json'


def train(config: str, work_dir: Path, options: dict[str, Any], arguments: list[str]) -> None:
    """Run mmdfkd train, from its newest checkpoint if there is one.

    Raises:
        SystemExit: if it fails; it has said why, which a traceback of ours would only hide.
    """
    started = time.time()
    command = [*TRAIN, config, '--work-dir', str(work_dir)]
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
    return Path(find_latest_checkpoint(str(folder)) or newest_checkpoint(folder) or '').name


def check_settings(work_dir: Path, cfg: Config, arguments: list[str]) -> None:
    """Note what a run is of; one that has no checkpoint yet may become another.

    Raises:
        ValueError: if the work dir has a run of other settings, or of another command.
    """
    file = work_dir / SETTINGS
    if newest(work_dir) and not file.is_file():
        raise ValueError(
            f'{work_dir} should be new, or a run of this command, but has {newest(work_dir)} of '
            f'another and no {SETTINGS}; give another folder, or finish that run with '
            'mmdfkd train --resume'
        )
    settings = {'arguments': arguments} | flatten(cfg.to_dict())
    given = json.loads(json.dumps(settings, default=str))
    begun = newest(work_dir) and file.is_file()
    before = json.loads(file.read_text()) if begun else given
    changed = [key for key in before | given if before.get(key) != given.get(key)]
    if changed:
        told = [f'{key} {given.get(key)} rather than {before.get(key)}' for key in changed]
        raise ValueError(
            f'the settings should be those that {work_dir} was begun with, but got '
            f'{", ".join(told)}; go on with those, or use another folder'
        )
    Output(file, force=True).write(json.dumps(given, indent=0))


def run(
    config: str, work_dir: Path, options: dict[str, Any], arguments: list[str]
) -> dict[str, float]:
    """Train a teacher or distil a student, unless that is done; returns the figures.

    Raises:
        ValueError: if the config does not evaluate, or the work dir has other settings.
    """
    cfg = read_config(config, options)
    check_accuracy(config, cfg)
    check_settings(work_dir, cfg, arguments)
    by_epoch = 'max_epochs' in cfg.train_cfg
    last = cfg.train_cfg['max_epochs' if by_epoch else 'max_iters']
    if (figures := read_run(work_dir, last)) is None:
        train(config, work_dir, options, arguments)
        figures = read_run(work_dir, last)
    if figures is None:
        raise ValueError(
            f'{config} should log accuracy/top1 after {last}, its last round or epoch, but did '
            'not; see its val_evaluator'
        )
    return figures


def teacher_config(teacher: dict) -> Path:
    """Return the config that makes a teacher's file; it may not be there."""
    return TEACHERS / f'{Path(teacher.get("checkpoint") or "").parent.name}.py'


def make_teacher(teacher: dict, args: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Train the teacher whose file is ``work_dirs/teachers/NAME/epoch_N.pth``, if it is none.

    Returns:
        the figures by name; none of a teacher from elsewhere.

    Raises:
        FileNotFoundError: if the file is missing and no config makes it.
    """
    checkpoint = teacher.get('checkpoint')
    if not checkpoint or '://' in checkpoint:
        return {}
    path, runs = Path(checkpoint).expanduser(), {}
    config = teacher_config(teacher)
    whole = path.is_file() and newest(path.parent) in ('', path.name)
    if config.is_file() and (not whole or (path.parent / SETTINGS).is_file()):
        options = {'randomness.seed': 0} | args.teacher_options
        if args.toy:
            options |= toy_options(read_config(str(config), options))
        runs[f'teachers/{config.stem}'] = [run(str(config), path.parent, options, args.arguments)]
    if not path.is_file():
        advice = teacher.get('how_to_get') or 'give another as model.teacher.checkpoint'
        raise FileNotFoundError(f'the teacher {checkpoint} should be there, but is not; {advice}')
    return runs


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('configs', nargs='+', type=config_file, help='distillation configs')
    parser.add_argument('--seeds', nargs='+', type=not_negative, default=[0])
    parser.add_argument(
        '--work-dir', type=Path, default='work_dirs/reproduce', help='runs go here; toys to toy/'
    )
    parser.add_argument('--out', type=Path, help='the table; by default results.md in the work dir')
    parser.add_argument('--force', action='store_true', help='replace the file of --out')
    parser.add_argument('--amp', action='store_true', help='mixed precision; needs a GPU')
    parser.add_argument(
        '--toy', action='store_true', help='two rounds, or epochs, of 4 images: does it all run?'
    )
    for name, what in (('--cfg-options', 'configs'), ('--teacher-options', 'teachers’ configs')):
        parser.add_argument(
            name, nargs='+', action=DictAction, default={}, help=f'override the {what}'
        )
    args = parser.parse_args()
    if len(set(args.seeds)) < len(args.seeds):
        parser.error(f'--seeds should differ, but got {args.seeds}')
    if 'randomness.seed' in args.cfg_options:
        parser.error('--cfg-options should leave randomness.seed to --seeds; leave it out')
    args.arguments = ['--amp'] if args.amp else []
    args.work_dir = args.work_dir / 'toy' if args.toy else args.work_dir
    args.out = args.out or args.work_dir / 'results.md'
    return args


def plan(args: argparse.Namespace) -> list[tuple[str, dict[str, Any], Config]]:
    """Return each config's file, options and content: what is wrong with any is told first.

    Raises:
        ValueError: if one cannot be trained, or an option is for nothing.
    """
    planned = []
    for config in args.configs:
        options = dict(args.cfg_options)
        cfg = read_distillation(config, options)
        if args.toy:
            place = toy_checkpoint(cfg.model.teacher, args.work_dir, TEACHERS)
            options |= toy_options(cfg) | {'model.teacher.checkpoint': place}
            if place != cfg.model.teacher.get('checkpoint') and cfg.model.teacher.get('sha256'):
                options['model.teacher.sha256'] = None  # of the file that is not fetched
            cfg = read_config(config, options)
        check_training(cfg)
        check_accuracy(config, cfg)
        if args.amp:
            enable_amp(deepcopy(cfg))
        try_model(cfg)
        planned.append((config, options, cfg))
    made = [each for each in planned if teacher_config(each[2].model.teacher).is_file()]
    if args.teacher_options and not made:
        raise ValueError(
            '--teacher-options should be of a teacher that this command trains, but the teachers '
            f'of {args.configs} are from elsewhere; leave it out'
        )
    for teacher in {teacher_config(each[2].model.teacher) for each in made}:
        check_training(read_config(teacher, args.teacher_options))
    return planned


def main() -> None:
    """Run what is not done yet, and write the table after every run."""
    args = parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or a training would go on alone
    command = f'{typed()} {shlex.join(sys.argv[1:])}'
    note = '**A toy: it proves that everything runs, and its figures mean nothing.**'
    if len({Path(config).stem for config in args.configs}) < len(args.configs):
        raise ValueError(f'configs should differ in their names, but got {args.configs}')
    out = Output(args.out, args.force, is_table, args.configs, option='another --out')
    runs: dict[str, list[dict[str, float]]] = {}
    for config, options, cfg in plan(args):
        name = Path(config).stem
        runs |= make_teacher(cfg.model.teacher, args) | {name: []}
        for seed in args.seeds:
            work_dir = args.work_dir / name / f'seed{seed}'
            seeded = {'randomness.seed': seed} | options
            runs[name].append(run(config, work_dir, seeded, args.arguments))
            out.write(table(runs, command, note if args.toy else ''))
    print(args.out.read_text())


command = as_command(main)

if __name__ == '__main__':
    command()
