"""Time and memory of the same method, its public code beside ours: ``same_method.py --peers DIR``.

DIR holds clones named Fast-Datafree, CMI and NAYER. For each method the public code and
variants of our config run in turns, each in a fresh process, with random weights and no data.
three_peers.py says what is patched in the peers, docs/results/throughput.md what is compared.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from command_line import Parser, as_command, positive

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # for the processes below

# torch is imported by the measuring processes only: Linux counts the memory of the process
# that starts another in the other's peak, so the one that starts them stays small.

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CLONES = {'fast_datafree': 'Fast-Datafree', 'cmi': 'CMI', 'nayer': 'NAYER'}
#: Published for WRN-40-2 -> WRN-16-1: images of an inversion and of a student step, steps of an
#: inversion, inversions and student steps of an epoch, and CMI's negatives.
PUBLISHED = {
    'fast_datafree': dict(synthesis_batch=256, batch=256, steps=5, inversions=1, negatives=0),
    'cmi': dict(synthesis_batch=256, batch=128, steps=200, inversions=1, negatives=4096),
    'nayer': dict(synthesis_batch=400, batch=512, steps=30, inversions=2, negatives=0),
}
EPOCH_STEPS = 400  # student steps of an epoch, of all three
NUM_VIEWS = 4
#: Options of ours by column: labelled views of an image in the memory, and channels_last.
VARIANTS = {
    'ours': (0, False),
    'channels_last': (0, True),
    'labelled memory': (NUM_VIEWS, False),
    'both': (NUM_VIEWS, True),
}
ROWS = {
    'synthesis_step_ms': 'synthesis step, ms',
    'once_ms': 'once an inversion, ms',
    'student_step_ms': 'student step, ms',
    'epoch_s': 'epoch-equivalent, s',
    'synthesis_step_cpu_ms': 'synthesis step, ms of processor time',
    'once_cpu_ms': 'once an inversion, ms of processor time',
    'student_step_cpu_ms': 'student step, ms of processor time',
    'epoch_cpu_s': 'epoch-equivalent, s of processor time',
    'peak_memory_mib': 'peak memory, MiB',
}


def sizes_of(args: argparse.Namespace) -> dict[str, int]:
    """Return the sizes to run: batches and negatives of the published ones, fewer steps."""
    whole = PUBLISHED[args.method]
    scaled = {
        name: whole[name] // args.shrink for name in ('synthesis_batch', 'batch', 'negatives')
    }
    return scaled | dict(steps=args.steps, kd_steps=args.kd_steps)


def run_ours(args: argparse.Namespace) -> dict[str, Any]:
    """Time rounds of our config with the options of ``args.measure``."""
    import torch
    from mmengine.config import Config
    from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
    from three_peers import as_ms, clock, now

    import mmdfkd  # noqa: F401
    from mmdfkd.models.memories import ImageMemory, LabelledMemory
    from mmdfkd.registry import MODELS

    sizes, (num_views, channels_last) = sizes_of(args), VARIANTS[args.measure]
    cfg = Config.fromfile(CONFIGS / f'{args.method}/{args.method}_wrn402_wrn161_cifar10.py')
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), 'teacher.pth')
    cfg.model.teacher.update(checkpoint='teacher.pth', prefix='')
    memory: dict[str, Any] = dict(type=ImageMemory, capacity=200 * sizes['synthesis_batch'])
    if num_views:
        memory.update(type=LabelledMemory, num_views=num_views)
    cfg.model.pop('memory')
    cfg.model.update(
        memory=memory,
        channels_last=channels_last,
        inversion_steps=sizes['steps'],
        kd_steps=sizes['kd_steps'],
        kd_batch_size=sizes['batch'],
    )
    for name, value in dict(warmup_rounds=0, inversions=1).items():
        if name in cfg.model:
            cfg.model[name] = value
    if args.method == 'cmi':
        cfg.model.num_negatives = sizes['negatives']
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
    if args.method == 'cmi':
        features = model.bank.features
        model.bank.add(torch.randn_like(features))
    options = dict(cfg.optim_wrapper)
    constructor = options.pop('constructor')
    wrapper = (
        OPTIM_WRAPPER_CONSTRUCTORS.get(constructor) if isinstance(constructor, str) else constructor
    )(options)(model)
    spans: dict[str, list] = defaultdict(list)
    for name in ('synthesize', 'invert'):
        clock(spans, model, name)
    rounds = []
    labels = torch.arange(sizes['synthesis_batch']) % 10
    for _ in range(1 + args.rounds):
        start = now()
        log = model.train_step({'label': labels}, wrapper)
        float(log['student/loss'])  # as a logger would
        rounds.append((start, now()))

    def mean(calls: list) -> Any:
        return sum(end - start for start, end in calls[1:]) / args.rounds

    inversion, synthesis, whole = mean(spans['invert']), mean(spans['synthesize']), mean(rounds)
    return as_ms(
        synthesis_step=inversion / sizes['steps'],
        once=synthesis - inversion,
        student_step=(whole - synthesis) / sizes['kd_steps'],
    ) | {
        'parameters': [
            sum(p.numel() for p in n.parameters()) for n in (model.teacher, model.student)
        ],
    }


def run_peer(args: argparse.Namespace) -> dict[str, Any]:
    """Time rounds of the peer's own code."""
    import three_peers

    return three_peers.run(
        args.method, args.peers / CLONES[args.method], sizes_of(args), args.rounds
    )


def describe() -> dict[str, Any]:
    """Return memory (the GPU's where there is one) and the machine."""
    import torch

    gpu = torch.cuda.is_available()
    host = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        'peak_memory_mib': torch.cuda.max_memory_allocated() / 2**20 if gpu else host,
        'device': torch.cuda.get_device_name() if gpu else f'CPU ({platform.machine()})',
        'threads': torch.get_num_threads(),
        'torch': torch.__version__,
        'load': os.getloadavg()[0],
    }


def in_turns(args: argparse.Namespace, method: str) -> dict[str, list[dict[str, Any]]]:
    """Measure each column in a fresh process and an empty folder, then each again."""
    runs = defaultdict(list)
    columns = ['peer', *args.variants]
    for number, name in enumerate(columns * args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, 'figures.json')
            command = [sys.executable, str(Path(__file__).resolve()), '--peers', str(args.peers)]
            command += ['--methods', method, '--method', method, '--measure', name]
            command += [f'--{key.replace("_", "-")}={getattr(args, key)}' for key in SHARED]
            done = subprocess.run(
                [*command, '--json', str(file)], cwd=folder, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f'{name} ended with status {done.returncode}:\n{done.stderr}')
            runs[name].append(json.loads(file.read_text()))
        print(f'{method}: {number + 1} of {len(columns) * args.repeats}', file=sys.stderr)
    return runs


def combine(runs: list[dict[str, Any]], method: str) -> dict[str, Any]:
    """Return the least times and the largest memory of ``runs``, and the epoch-equivalent."""
    best = dict(runs[0])
    for name in ROWS.keys() & best.keys():
        best[name] = (min if name.endswith('_ms') else max)(run[name] for run in runs)
    whole = PUBLISHED[method]
    for kind in ('', '_cpu'):
        inversion = whole['steps'] * best[f'synthesis_step{kind}_ms'] + best[f'once{kind}_ms']
        student = EPOCH_STEPS * best[f'student_step{kind}_ms']
        best[f'epoch{kind}_s'] = (whole['inversions'] * inversion + student) / 1e3
    return best


def table(results: dict[str, dict[str, Any]]) -> str:
    """Format results, the peer's first, as a Markdown table: ours with (peer's / ours)."""
    lines = ['| | ' + ' | '.join(results) + ' |', '|---' * (len(results) + 1) + '|']
    for key, title in ROWS.items():
        peer, *ours = [result[key] for result in results.values()]
        cells = [f'{x:.4g} ({peer / x:.2f})' for x in ours]
        lines.append('| ' + ' | '.join([title, f'{peer:.4g}', *cells]) + ' |')
    return '\n'.join(lines)


def check_networks(results: dict[str, dict[str, Any]]) -> None:
    """Raise an error unless teachers and students have as many parameters in all columns."""
    sizes = {name: result['parameters'] for name, result in results.items()}
    if len(set(map(tuple, sizes.values()))) > 1:
        raise ValueError(
            f'teachers and students should be as large in all columns, but got {sizes}'
        )


def check_peers(folder: Path, methods: list[str]) -> None:
    """Raise an error that says what to do if a peer's code is missing."""
    for name in (CLONES[method] for method in methods):
        if not (folder / name / 'datafree_kd.py').is_file():
            raise ValueError(
                f'--peers should hold a clone of {name}, but {folder / name} is none; '
                'projects/peer_benchmark/README.md has the commands'
            )


#: Options that a measuring process takes over.
SHARED = ('shrink', 'steps', 'kd_steps', 'rounds')


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('--peers', type=Path, required=True, help='a folder with the clones')
    parser.add_argument('--methods', nargs='+', choices=CLONES, default=list(CLONES))
    parser.add_argument('--variants', nargs='+', choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument('--shrink', type=positive, default=8, help='divides the published batches')
    parser.add_argument('--steps', type=positive, default=3, help='steps of an inversion')
    parser.add_argument('--kd-steps', type=positive, default=4, help='student steps a round')
    parser.add_argument('--rounds', type=positive, default=1, help='rounds timed, after one')
    parser.add_argument('--repeats', type=positive, default=2, help='processes a column')
    parser.add_argument('--force', action='store_true', help='replace what is there')
    parser.add_argument('--json', type=Path, help='write every figure to this file')
    parser.add_argument('--method', choices=CLONES, help=argparse.SUPPRESS)
    parser.add_argument('--measure', choices=['peer', *VARIANTS], help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run."""
    args = parse_args()
    out = None
    if args.json and not args.measure:  # what is measured is not to share our imports
        from mmdfkd.outputs import Output

        out = Output(args.json, args.force, option='another --json')
    args.peers = args.peers.resolve()
    if args.measure:
        report: Any = (run_peer if args.measure == 'peer' else run_ours)(args) | describe()
    else:
        check_peers(args.peers, args.methods)
        report = {}
        for method in args.methods:
            runs = in_turns(args, method)
            results = {name: combine(its, method) for name, its in runs.items()}
            check_networks(results)
            loads = [run['load'] for its in runs.values() for run in its]
            peer = results['peer']
            sizes = {k: v // args.shrink for k, v in PUBLISHED[method].items() if 'batch' in k}
            print(f'{method}, batches {sizes}, timed: {args.steps} synthesis steps and ', end='')
            print(f'{args.kd_steps} student steps, {args.rounds} rounds, {args.repeats} ', end='')
            print(f'processes; {peer["device"]}, {peer["threads"]} threads, torch ', end='')
            print(f'{peer["torch"]}, load {min(loads):.1f} to {max(loads):.1f}\n')
            print(table(results), end='\n\n', flush=True)
            report[method] = {'results': results, 'runs': runs}
    if out:
        out.write(json.dumps(report, indent=1))
    elif args.json:
        args.json.write_text(json.dumps(report, indent=1))


command = as_command(main)

if __name__ == '__main__':
    command()
