"""Where a run's time and memory go: ``mmdfkd benchmark-throughput CONFIG``.

Drives the config through the Runner for some rounds, with a random teacher and no
evaluation, and times the parts of a round. No data and no weights are needed.
"""

import argparse
import json
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mmdfkd.cli.command import Parser, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, config_file, read_distillation
from mmdfkd.config_tools.dumped_config import flatten
from mmdfkd.engine.amp import enable_amp
from mmdfkd.engine.check_training import check_training
from mmdfkd.engine.throughput import measure
from mmdfkd.outputs import Output
from mmdfkd.reports.tables import cell, markdown


def table(results: dict[str, dict[str, Any]]) -> str:
    """Format the results, a column each, as a Markdown table."""
    columns = [flatten(result, separator=' ') for result in results.values()]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [[name, *(cell(column.get(name)) for column in columns)] for name in names]
    return markdown(['', *results], rows)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='a distillation config of configs/')
    parser.add_argument(
        '--rounds', type=positive, default=5, help='rounds timed, whole and by part'
    )
    parser.add_argument('--warmup', type=not_negative, default=2, help='rounds before them')
    parser.add_argument('--amp', action='store_true', help='mixed precision; needs a GPU')
    parser.add_argument('--force', action='store_true', help='replace what is there')
    parser.add_argument('--json', help='write the figures to this file as well')
    parser.add_argument(
        '--sweep',
        nargs='+',
        metavar='"KEY=VALUE ..."',
        help='measure once for each of these sets of options, each in a process of its own',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='override the config')
    return parser.parse_args()


def sweep(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure for each set of options in a fresh process, so that peaks are its own."""
    results = {}
    sets = [_parsed(options) for options in args.sweep]
    for given in sets:  # what is wrong with the last is told before the first is measured
        check_training(read_distillation(args.config, (args.cfg_options or {}) | given))
    own = [args.config, f'--rounds={args.rounds}', f'--warmup={args.warmup}']
    own += ['--amp'] if args.amp else []
    for options in args.sweep:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / 'figures.json'
            command = [
                sys.executable,
                '-m',
                'mmdfkd.cli.benchmark_throughput',
                *own,
                '--json',
                str(file),
            ]
            common = [f'{k}={v}' for k, v in (args.cfg_options or {}).items()]
            command += ['--cfg-options', *common, *shlex.split(options)]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            if done.returncode:
                said = done.stderr.decode(errors='replace').strip().splitlines()
                raise RuntimeError(
                    f'each set of --sweep should be measured, but {options!r} ended with status '
                    f'{done.returncode}: {said[-1] if said else "no message"}; mend or leave it out'
                )
            (results[options],) = json.loads(file.read_text()).values()
    return results


def _parsed(options: str) -> dict[str, Any]:
    parser = Parser(prog='--sweep')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, required=True)
    return parser.parse_args(['--cfg-options', *shlex.split(options)]).cfg_options


def main() -> None:
    """Run."""
    args = parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or a training would go on alone
    out = (
        Output(args.json, args.force, inputs=[args.config], option='another with --json')
        if args.json
        else None
    )
    if args.sweep:
        results = sweep(args)
    else:
        cfg = read_distillation(args.config, args.cfg_options)
        check_training(cfg)
        if args.amp:
            enable_amp(cfg)
        results = {Path(args.config).stem: measure(cfg, args.warmup, args.rounds)}
    print(table(results))
    if out:
        out.write(json.dumps(results, indent=1))


command = as_command(main)

if __name__ == '__main__':
    command()
