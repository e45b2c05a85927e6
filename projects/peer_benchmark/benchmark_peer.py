"""Time and memory beside a peer's: ``benchmark_peer.py --peer DIR --pair PAIR``.

DIR is a clone of https://github.com/zju-vipa/Fast-Datafree, which needs the extra ``peer``.
It and variants of our config of the pair run in turns, each in a fresh process, with random
teachers and no data. docs/results/throughput.md says what is compared; fast_datafree.py,
what is patched in the peer.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from command_line import Parser, as_command, not_negative, positive

# As train.py does, and for the peer, too: the processes below inherit it.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

# torch is imported by the measuring processes only: Linux counts the memory of the process
# that starts another in the other's peak, so the one that starts them stays small.

CONFIGS = Path(__file__).with_name('configs').resolve()
#: The peer's names of teacher and student, by the name in our config.
PAIRS = {'wrn402_wrn161': ('wrn40_2', 'wrn16_1'), 'r34_r18': ('resnet34', 'resnet18')}
#: Options of our distiller, by the column they make, whatever the config has on.
VARIANTS: dict[str, dict[str, Any]] = {
    'ours': dict(channels_last=False, num_views=0),
    'channels_last': dict(channels_last=True, num_views=0),
    'labelled memory': dict(channels_last=False, num_views=4),
    'both': dict(channels_last=True, num_views=4),
}
EPOCH_STEPS = 400  # student steps of the peer's epoch; one synthesis goes before them
MEMORY_BATCHES = 200  # batches of images kept
ROWS = {
    'generator_step_ms': 'generator step, ms',
    'once_a_round_ms': 'once a round, ms',
    'student_step_ms': 'student step, ms',
    'epoch_s': 'epoch-equivalent, s',
    'peak_memory_mib': 'peak memory, MiB',
    'import_memory_mib': 'host memory once imported, MiB',
    'worker_memory_mib': 'peak memory of a data worker, MiB',
}


def host_memory(whose: int = resource.RUSAGE_SELF) -> float:
    """Return the peak resident MiB of this process or (RUSAGE_CHILDREN) its largest child.

    Pages that a forked child shares with its parent count for both.
    """
    return resource.getrusage(whose).ru_maxrss / 2**10


def check_peer(folder: Path) -> None:
    """Raise an error that says what to do if the peer's code or a package is missing."""
    for name in ('datafree_kd.py', 'datafree/synthesis/fast_meta.py', 'scripts/fast_cifar.sh'):
        if not (folder / name).is_file():
            raise ValueError(
                f'--peer should be a clone of Fast-Datafree, but got {folder}, which has no '
                f'{name}; do: git clone https://github.com/zju-vipa/Fast-Datafree'
            )
    for name in ('kornia', 'scipy', 'termcolor', 'tqdm'):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(
                f'{name} should be installed, as Fast-Datafree imports it, but got no such '
                "package; do: pip install -e '.[peer]'"
            )


def run_peer(args: argparse.Namespace) -> dict[str, Any]:
    """Measure the peer in the current folder, an empty one."""
    import fast_datafree

    peer = fast_datafree.load(args.peer, args.batch_size)
    imported = host_memory()
    script = (args.peer / fast_datafree.SCRIPT).read_text()
    names = dict(zip(('teacher', 'student'), PAIRS[args.pair], strict=True))
    options = fast_datafree.published(peer.parser, script, g_steps=args.g_steps, **names)
    options.batch_size, options.kd_steps = args.batch_size, args.kd_steps
    parts = fast_datafree.run(peer, options, args.rounds, args.warmup)
    networks = [peer.registry.get_model(name, num_classes=10) for name in names.values()]
    worker = host_memory(resource.RUSAGE_CHILDREN)  # the largest; it runs four
    return parts | {'worker_memory_mib': worker} | describe(imported, networks)


def run_ours(args: argparse.Namespace) -> dict[str, Any]:
    """Measure our config of the pair, with the options of the variant ``args.measure``."""
    from mmengine.config import Config

    from mmdfkd.engine.throughput import measure
    from mmdfkd.registry import MODELS

    imported = host_memory()
    cfg = Config.fromfile(CONFIGS / f'{args.pair}.py')
    cfg.train_dataloader.batch_size = cfg.model.kd_batch_size = args.batch_size
    vary(cfg, VARIANTS[args.measure], args.batch_size)
    cfg.model.update(g_steps=args.g_steps, kd_steps=args.kd_steps)
    figures = measure(cfg, args.warmup, args.rounds, count_flops=False)
    step_ms = figures['step_ms']
    networks = [MODELS.build(cfg.model[name].network) for name in ('teacher', 'student')]
    return describe(imported, networks) | {
        'generator_step_ms': (step_ms['synthesize'] - step_ms['remember']) / args.g_steps,
        'once_a_round_ms': step_ms['remember'] + step_ms['rest'],
        'student_step_ms': step_ms['sample'] + step_ms['student_step'],
        'peak_memory_mib': figures['peak_memory_mib'],
    }


def describe(imported: float, networks: list[Any]) -> dict[str, Any]:
    """Return memory (the GPU's where there is one), sizes of the networks, and the machine."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        'peak_memory_mib': torch.cuda.max_memory_allocated() / 2**20 if gpu else host_memory(),
        'import_memory_mib': imported,
        'parameters': [sum(p.numel() for p in network.parameters()) for network in networks],
        'device': torch.cuda.get_device_name() if gpu else 'CPU',
        'threads': torch.get_num_threads(),
        'torch': torch.__version__,
    }


def in_turns(peer: Path, repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Measure each column in a fresh process and an empty folder, then each again."""
    runs = defaultdict(list)
    for name in ['peer', *VARIANTS] * repeats:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'figures.json')
            command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
            command += ['--peer', str(peer), '--measure', name, '--json', str(file)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f'{name} ended with status {done.returncode}:\n{done.stderr}')
            runs[name].append(json.loads(file.read_text()))
    return runs


def vary(cfg: Any, options: dict[str, Any], batch_size: int) -> Any:
    """Write one of ``VARIANTS`` into our config; returns it."""
    from mmdfkd.models.memories import ImageMemory, LabelledMemory

    memory: dict[str, Any] = dict(type=ImageMemory, capacity=MEMORY_BATCHES * batch_size)
    if options['num_views']:
        memory.update(type=LabelledMemory, num_views=options['num_views'])
    cfg.model.memory = memory
    cfg.model.channels_last = options['channels_last']
    return cfg


def combine(runs: list[dict[str, Any]], g_steps: int) -> dict[str, Any]:
    """Return the least times and the largest memory of ``runs``, and the epoch-equivalent."""
    best = dict(runs[0])
    for name in ROWS.keys() & best.keys():
        best[name] = (min if name.endswith('_ms') else max)(run[name] for run in runs)
    ms = g_steps * best['generator_step_ms'] + best['once_a_round_ms']
    best['epoch_s'] = (ms + EPOCH_STEPS * best['student_step_ms']) / 1e3
    return best


def check_networks(results: dict[str, dict[str, Any]]) -> None:
    """Raise an error unless teachers and students have as many parameters in all columns."""
    sizes = {name: result['parameters'] for name, result in results.items()}
    if len(set(map(tuple, sizes.values()))) > 1:
        raise ValueError(
            f'teachers and students should have the same parameters, but got {sizes}; '
            "compare the config's networks with the peer's registry.py"
        )


def table(results: dict[str, dict[str, Any]]) -> str:
    """Format results, the peer's first, as a Markdown table: ours with (peer's / ours)."""
    from mmdfkd.reports.tables import markdown

    rows = []
    for key, title in ROWS.items():
        peer, *ours = [result.get(key, 0.0) for result in results.values()]
        cells = [f'{x:.4g} ({peer / x:.2f})' if x else '-' for x in ours]
        rows.append([title, f'{peer:.4g}', *cells])
    return markdown(['', *results], rows)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('--peer', type=Path, required=True, help='a clone of Fast-Datafree')
    parser.add_argument('--pair', choices=PAIRS, required=True, help='teacher and student')
    parser.add_argument('--batch-size', type=positive, default=64, help='of both phases')
    parser.add_argument('--g-steps', type=positive, default=5, help='generator steps a round')
    parser.add_argument('--kd-steps', type=positive, default=8, help='student steps a round')
    parser.add_argument('--rounds', type=positive, default=2, help='rounds timed in a process')
    parser.add_argument('--warmup', type=not_negative, default=1, help='rounds before them')
    parser.add_argument('--repeats', type=positive, default=2, help='processes a column')
    parser.add_argument('--force', action='store_true', help='replace what is there')
    parser.add_argument('--json', type=Path, help='write every figure to this file')
    parser.add_argument(
        '--measure', choices=['peer', *VARIANTS], help='this alone, in this process'
    )
    return parser.parse_args()


def main() -> None:
    """Run."""
    args = parse_args()
    out = None
    if args.json and not args.measure:  # what is measured is not to share our imports
        from mmdfkd.outputs import Output

        out = Output(args.json, args.force, option='another --json')
    if args.measure:
        report: Any = (run_peer if args.measure == 'peer' else run_ours)(args)
    else:
        check_peer(args.peer)
        runs = in_turns(args.peer.resolve(), args.repeats)
        results = {name: combine(its, args.g_steps) for name, its in runs.items()}
        check_networks(results)
        peer = results['peer']
        print(table(results))
        print(f'\n{args.pair}, batch {args.batch_size}, {args.g_steps} generator and ', end='')
        print(f'{args.kd_steps} student steps a round; {peer["device"]}, ', end='')
        print(f'{peer["threads"]} threads, torch {peer["torch"]}; teacher and student of ', end='')
        print(' and '.join(f'{size:,}' for size in peer['parameters']), 'parameters')
        report = {'results': results, 'runs': runs}
    if out:
        out.write(json.dumps(report, indent=1))
    elif args.json:
        args.json.write_text(json.dumps(report, indent=1))


command = as_command(main)

if __name__ == '__main__':
    command()
