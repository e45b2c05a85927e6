"""Compare methods on pairs for equal time: ``mmdfkd benchmark --methods A B --pairs P``.

A method is the config of any distillation by it, and a pair that of any distillation of it:
networks, data and augmentation are the pair's, all else is the method's. A few rounds are
timed first; then every cell gets as many rounds as fill the minutes (of processor time where
there is no GPU), with its schedules over them. Results are JSON lines, a line a cell. It can be
stopped at any time: started again it goes on where it was. A cell that fails is told, and the
others run. ``--jobs 6`` runs six cells at once, which share the machine: small networks do not
fill a GPU.
"""

import argparse
import itertools
import math
import signal
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from mmdfkd.benchmark import (
    Cell,
    append,
    check_settings,
    finished,
    make_config,
    note_settings,
    plot_curves,
    read_results,
    run_cell,
    settings_digest,
    tables,
)
from mmdfkd.cli.command import Parser, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, config_path
from mmdfkd.engine.check_training import check_accuracy
from mmdfkd.outputs import Output, make_folder
from mmdfkd.registry import MODELS


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('--methods', nargs='+', type=config_path, default=[], help='configs')
    parser.add_argument('--pairs', nargs='+', type=config_path, default=[], help='configs')
    parser.add_argument('--seeds', nargs='+', type=not_negative, default=[0])
    parser.add_argument(
        '--minutes',
        type=float,
        default=20.0,
        help='of training, for each cell; of processor time if there is no GPU',
    )
    parser.add_argument('--jobs', type=positive, default=1, help='cells that run at once')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/benchmark'))
    parser.add_argument(
        '--results', type=Path, help='JSON lines; default: results.jsonl in the work dir'
    )
    parser.add_argument('--plots', type=Path, help='draw the curves into this folder')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        help='override all; {seed} is the seed',
    )
    args = parser.parse_args(argv)
    if len(set(args.seeds)) < len(args.seeds):
        parser.error(f'--seeds should differ, but got {args.seeds}')
    for name in ('methods', 'pairs'):
        if len({path.stem for path in getattr(args, name)}) < len(getattr(args, name)):
            parser.error(f'--{name} should differ in their names, but got {getattr(args, name)}')
    if not 0 < args.minutes < math.inf:
        parser.error(f'--minutes should be over 0, but got {args.minutes}')
    for name in ('seeds', 'minutes', 'jobs', 'cfg_options'):
        if not args.methods and getattr(args, name) != parser.get_default(name):
            option = f'--{name.replace("_", "-")}'
            parser.error(f'{option} should be with --methods and --pairs to run; leave it out')
    args.results = args.results or args.work_dir / 'results.jsonl'
    if bool(args.methods) != bool(args.pairs) or not (args.methods or args.results.is_file()):
        parser.error(
            f'--methods and --pairs should both be given, or neither where {args.results} has '
            f'results, but got {[*map(str, args.methods)]} and {[*map(str, args.pairs)]}'
        )
    return args


def check_results(args: argparse.Namespace) -> None:
    """Raise an error if results or plots cannot be written; tables alone add no results."""
    if args.plots:
        make_folder(args.plots, '--plots')
    read_results(args.results)
    if args.methods:
        make_folder(args.work_dir)
        Output(args.results, force=True, option='another --results')


def outcome(cell: Cell, run: Future[dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a cell that has run, or its failure, and say it."""
    name = f'{cell.pair.stem}, {cell.method.stem}, seed {cell.seed}'
    try:
        result = run.result()
    except Exception as error:  # whatever it is, the others should run
        told = str(error) if isinstance(error, RuntimeError | ValueError | OSError) else repr(error)
        print(f'{name} failed: {told}', file=sys.stderr, flush=True)
        return cell.key | {'error': told}
    minutes, student = result['minutes'], result['student']
    print(f'{name}: {student:.2f} % after {minutes} minutes', flush=True)
    return result


def run_all(cells: list[Cell], args: argparse.Namespace) -> int:
    """Run what is not done yet, and write a line for each; returns the number of failed cells."""
    columns = (*Progress.get_default_columns()[:1], BarColumn(), MofNCompleteColumn())
    done = read_results(args.results)
    todo = [cell for cell in cells if not finished(done, cell.key)]
    failed = 0
    stop = threading.Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the trainings would go on alone
    bar = Progress(*columns, TimeElapsedColumn(), disable=not sys.stderr.isatty())
    with ThreadPoolExecutor(args.jobs) as pool, bar:
        running = {pool.submit(run_cell, cell, stop): cell for cell in todo}
        try:
            for run in bar.track(as_completed(running), len(running), description='cells'):
                result = outcome(running[run], run)
                failed += 'error' in result
                settings = settings_digest(running[run])
                append(args.results, result | {'jobs': args.jobs, 'settings': settings})
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)  # or those that wait would still begin
            raise
    return failed


def main(argv: list[str] | None = None) -> int:
    """Run what is not done yet, and print the tables; returns the number of failed cells."""
    args = parse_args(argv)
    cells = [
        Cell(
            method=method,
            pair=pair,
            seed=seed,
            minutes=args.minutes,
            work_dir=args.work_dir,
            options=dict(args.cfg_options),
        )
        for pair, seed, method in itertools.product(args.pairs, args.seeds, args.methods)
    ]
    different = {(cell.method, cell.pair, str(cell.own_options)): cell for cell in cells}
    for cell in different.values():
        cfg = make_config(cell)  # what is wrong is told before any runs
        check_accuracy(str(cell.pair), cfg)
        MODELS.build(cfg.model)
    check_results(args)
    results = read_results(args.results)
    for cell in cells:
        note_settings(cell, finished(results, cell.key))
        check_settings(results, cell.key, settings_digest(cell))
    failed = run_all(cells, args)
    results = read_results(args.results)
    print(tables(results))
    if args.plots:
        print(*plot_curves(results, args.plots), sep='\n')
    return failed


command = as_command(main)

if __name__ == '__main__':
    command()
