"""Train a teacher or distil a student: ``mmdfkd train CONFIG``."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

import mmdfkd  # noqa: F401  (registers nothing, but lets torch load checkpoints)
from mmdfkd.checks import check_positive
from mmdfkd.cli.command import Parser, as_command
from mmdfkd.config_tools import (
    DictAction,
    check_not_twice,
    config_file,
    merge_options,
    read_config,
)
from mmdfkd.engine.amp import enable_amp
from mmdfkd.engine.check_training import check_is_training, check_training
from mmdfkd.engine.distributed import join_processes
from mmdfkd.engine.hooks import LabelsHook, StrictLoadHook, StrictOptimizerHook, StrictScheduleHook
from mmdfkd.engine.length import set_length
from mmdfkd.engine.terminal import TerminalRunner
from mmdfkd.engine.work_dir import claim, newest_checkpoint, note_session


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; the arguments are those of mmpretrain's tools/train.py."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='a config file, yours or an installed one')
    parser.add_argument('--work-dir', help='logs, pictures and checkpoints go here')
    parser.add_argument(
        '--rounds',
        type=int,
        help='length of a distillation, train_cfg.max_iters; its warm-up and schedules follow',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='newest',
        help='go on from this checkpoint; without a path, from the newest in the work dir; auto '
        'begins where there is none yet',
    )
    parser.add_argument(
        '--force',
        action='store_true',
        help='begin anew in a work dir that holds a run, which is moved to its folder replaced_1',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision; needs a GPU')
    parser.add_argument('--no-validate', action='store_true', help='no evaluation while training')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale all learning rates by train_dataloader.batch_size times processes over '
        'auto_scale_lr.base_batch_size; change model.kd_batch_size with that batch_size',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override the config, e.g. train_cfg.max_iters=100 model.loss_ce.loss_weight=0.5',
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', help='set by torch.distributed.launch')
    args = parser.parse_args(arguments)
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', args.local_rank)
    return args


def set_rounds(cfg: Config, rounds: int) -> None:
    """Make a run last ``rounds``, by :func:`set_length`.

    A shorter one validates and logs as often over the run.

    Raises:
        ValueError: if ``rounds`` is not positive, the config is a teacher's, or its own times
            are no numbers of rounds.
    """
    if 'max_iters' not in cfg.train_cfg:
        raise ValueError(
            '--rounds should be used with a distillation, but got a config that trains for '
            f'{cfg.train_cfg.max_epochs} epochs; set train_cfg.max_epochs'
        )
    if rounds < 1:
        raise ValueError(f'--rounds should be at least 1, but got {rounds}')
    length = cfg.train_cfg.max_iters
    set_length(cfg, rounds)
    if rounds < length:
        logger = (cfg.get('default_hooks') or {}).get('logger') or {}
        _shorten('train_cfg.val_interval', cfg.train_cfg, rounds, length)
        if cfg.train_cfg.get('dynamic_intervals'):
            cfg.train_cfg.dynamic_intervals = [
                (begin, max(1, interval * rounds // length))
                for begin, interval in cfg.train_cfg.dynamic_intervals
            ]
        _shorten('default_hooks.logger.interval', logger, rounds, length)
        _shorten('log_processor.window_size', cfg.get('log_processor') or {}, rounds, length)
        _shorten_samples(cfg)


def _shorten(name: str, owner: dict, rounds: int, length: int) -> None:
    key = name.rpartition('.')[2]
    if key in owner:
        check_positive(**{name: owner[key]})
        owner[key] = max(1, owner[key] * rounds // length)


def _shorten_samples(cfg: Config) -> None:
    """Have a validation on the run's own images take no more than there are at the first."""
    dataset = (cfg.get('val_dataloader') or {}).get('dataset') or {}
    if 'MemoryDataset' in str(dataset.get('type')):
        length = cfg.train_cfg.max_iters
        first = min(cfg.train_cfg.get('val_interval', length), length)
        most = first * cfg.train_dataloader.batch_size
        dataset['length'] = min(dataset['length'], most)


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """Write the command line's choices into the config.

    Raises:
        ValueError: if a choice does not fit the config, or an option contradicts it.
    """
    check_is_training(cfg)
    check_not_twice(args.cfg_options or {}, _also_options(args))
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise ValueError(
                '--auto-scale-lr should be used with a config that has '
                'auto_scale_lr=dict(base_batch_size=...), but got one without'
            )
        cfg.auto_scale_lr.enable = True
    if args.rounds is not None:
        set_rounds(cfg, args.rounds)
    if args.cfg_options is not None:
        merge_options(cfg, args.cfg_options)
    if args.amp:  # after the options, whose dtype says whether a loss is scaled
        enable_amp(cfg)
    if args.resume is not None:
        _resume(cfg, args.resume)
    check_training(cfg)
    return cfg


def _also_options(args: argparse.Namespace) -> dict[str, str]:
    """Name the arguments that set what an option of the config could, too, by its key."""
    begins = None if args.resume == 'auto' else args.resume  # auto may begin from load_from
    given = {
        'train_cfg.max_iters': ('--rounds', args.rounds),
        'work_dir': ('--work-dir', args.work_dir),
        'resume': ('--resume', args.resume),
        'load_from': ('--resume', begins),
    }
    if args.amp:
        parts = ('', 'generator.', 'student.')
        given |= {f'optim_wrapper.{part}type': ('--amp', True) for part in parts}
    return {key: name for key, (name, value) in given.items() if value is not None}


def _resume(cfg: Config, resume: str) -> None:
    """Go on from a checkpoint; where ``auto`` finds none, the config's ``load_from`` stays."""
    if resume == 'auto' and cfg.get('load_from') and newest_checkpoint(cfg.work_dir) is None:
        return
    cfg.resume = True
    cfg.load_from = None if resume in ('auto', 'newest') else resume


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(arguments)
    join_processes(args.launcher)
    cfg = read_config(args.config)
    options = args.cfg_options or {}
    begins_from = None if cfg.get('resume') else options.get('load_from', cfg.get('load_from'))
    cfg = merge_args(cfg, args)
    if not int(os.environ.get('RANK', 0)) or args.launcher == 'none':
        resume = args.resume or (cfg.get('load_from') or 'auto' if cfg.get('resume') else None)
        claim(cfg.work_dir, resume, args.force)
    runner = TerminalRunner.from_cfg(cfg)
    runner.begins_from = begins_from
    if is_main_process():
        note_session(cfg.work_dir, runner.timestamp)
    runner.register_hook(LabelsHook())
    runner.register_hook(StrictLoadHook(initial=not cfg.get('resume')))
    if cfg.get('resume'):
        runner.register_hook(StrictScheduleHook())
        runner.register_hook(StrictOptimizerHook())
    runner.train()


command = as_command(main)

if __name__ == '__main__':
    command()
