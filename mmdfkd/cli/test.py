"""Evaluate a distilled student beside its teacher: ``mmdfkd test CONFIG CHECKPOINT``."""

import argparse
import os
from pathlib import Path
from typing import Any

import mmengine

import mmdfkd  # noqa: F401  (lets torch load checkpoints safely)
from mmdfkd.cli.command import Parser, as_command
from mmdfkd.config_tools import DictAction, check_not_twice, config_file, read_distillation
from mmdfkd.engine.check_training import check_loaders
from mmdfkd.engine.distributed import join_processes
from mmdfkd.engine.hooks import LabelsHook, StrictLoadHook
from mmdfkd.engine.terminal import TerminalRunner
from mmdfkd.outputs import Output, make_folder


def parse_args() -> argparse.Namespace:
    """Parse the command line; the arguments are those of mmpretrain's tools/test.py."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='a config file, yours or an installed one')
    parser.add_argument('checkpoint', help='a checkpoint of that config')
    parser.add_argument('--work-dir', help='logs go here')
    parser.add_argument('--force', action='store_true', help='replace the file of --out')
    parser.add_argument('--out', help='write the metrics to this .json or .yaml file')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config, as KEY=VALUE'
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', help='set by torch.distributed.launch')
    args = parser.parse_args()
    if args.local_rank is not None:
        os.environ.setdefault('LOCAL_RANK', args.local_rank)
    return args


def reserve(args: argparse.Namespace) -> Output:
    """Reserve the file of metrics.

    Raises:
        ValueError: if its ending names no format, or it is there already.
    """
    if Path(args.out).suffix not in ('.json', '.yaml', '.yml', '.pkl'):
        raise ValueError(f'--out should end in .json or .yaml, but got {args.out}')
    return Output(
        args.out, args.force, inputs=[args.config, args.checkpoint], option='another --out'
    )


def plain(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return metrics as numbers and lists: some are tensors, as those of a ConfusionMatrix."""
    return {k: v.tolist() if hasattr(v, 'tolist') else v for k, v in metrics.items()}


class _Evaluator(TerminalRunner):
    """Leaves the config of the run in whose folder it works; the session's folder has its own."""

    def dump_config(self) -> None:
        """Write nothing."""


def main() -> None:
    """Run."""
    args = parse_args()
    join_processes(args.launcher)
    others = {'work_dir': '--work-dir', 'load_from': 'the CHECKPOINT', 'resume': 'the CHECKPOINT'}
    check_not_twice(args.cfg_options or {}, others)
    cfg = read_distillation(args.config, args.cfg_options)
    if not cfg.get('test_dataloader'):
        raise ValueError(
            f'{args.config} should have a test_dataloader, but has none; give it one, as mmdfkd '
            'distill --test DIR writes it'
        )
    check_loaders(cfg)
    cfg.launcher = args.launcher
    cfg.load_from, cfg.resume = args.checkpoint, False
    cfg.work_dir = args.work_dir or str(Path('work_dirs') / Path(args.config).stem)
    if args.amp:
        cfg.test_cfg.fp16 = True
    make_folder(cfg.work_dir)
    # A GPU's processes join in the Runner, after this.
    first = args.launcher == 'none' or not int(os.environ.get('RANK', 0))
    out = reserve(args) if args.out and first else None
    runner = _Evaluator.from_cfg(cfg)
    runner.register_hook(StrictLoadHook())
    runner.register_hook(LabelsHook())
    metrics = runner.test()
    if out:
        out.save(lambda part: mmengine.dump(plain(metrics), part))


command = as_command(main)

if __name__ == '__main__':
    command()
