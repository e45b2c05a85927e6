"""How agreement ranks checkpoints: ``rank_checkpoints.py CONFIG WORK_DIR...``.

Of every checkpoint of runs of a config: the student's agreement with its teacher on synthetic
images, without one real image, and its accuracy on the config's test set. Then the rank
correlation of the two, in each run and over all; --data-free only chooses. Needs scipy.

Each checkpoint is judged on held-out images of its own generator (``agreement/...``, also with
the images corrupted), as during training, and on the same images of all generators of its run
(``pool/...``): a generator changes while it trains, so its own images get harder or easier.
"""

import argparse
import os
import re
import sys
import time
from collections import Counter
from operator import itemgetter
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')  # see train.py

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner, find_latest_checkpoint
from mmengine.utils import ProgressBar
from scipy.stats import kendalltau, spearmanr
from torch.utils.data import DataLoader, Subset

from mmdfkd.cli.command import Parser, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, read_distillation
from mmdfkd.datasets import LatentDataset
from mmdfkd.datasets.labels import check_dataset, check_images
from mmdfkd.engine.check_training import check_loaders
from mmdfkd.evaluation import Agreement
from mmdfkd.evaluation.metrics.agreement import CORRUPTIONS, compare
from mmdfkd.evaluation.run import evaluate_synthetic
from mmdfkd.models.distillers import load_distiller
from mmdfkd.reports import figure_files
from mmdfkd.reports.tables import markdown

ACCURACY = 'accuracy/top1'
BATCH = 250  # images in a pass
FEWEST = 3  # checkpoints of a run whose ranks say something


def whole_checkpoints(run: Path) -> list[tuple[int, Path]]:
    """List (iteration, file) of a run's checkpoints in order, without one being written.

    MMEngine notes the newest in ``last_checkpoint`` only once it is written.

    Raises:
        FileNotFoundError: if there is none.
    """
    files = {_iteration(path): path for path in run.glob('iter_*.pth')}
    newest = _iteration(Path(find_latest_checkpoint(str(run)) or 'iter_0.pth'))
    found = sorted((iteration, path) for iteration, path in files.items() if iteration <= newest)
    if not found:
        raise FileNotFoundError(
            f'{run} should hold checkpoints iter_*.pth and last_checkpoint, but does not; keep '
            'them all in training: default_hooks.checkpoint.max_keep_ckpts=-1'
        )
    return found


def _iteration(path: Path) -> int:
    found = re.fullmatch(r'iter_(\d+)', path.stem)
    if not found:
        raise ValueError(f'a checkpoint should be called iter_NUMBER.pth, but got {path}')
    return int(found[1])


def load(cfg: Config, checkpoint: Path) -> Any:
    """Return the run's distiller as it was then, on the device."""
    return load_distiller(cfg, checkpoint).to(get_device())


@torch.no_grad()
def evaluate_real(model: Any, dataloader: Any, evaluator: Evaluator) -> float:
    """Return the student's accuracy in percent."""
    for data in dataloader:
        evaluator.process(data_samples=model.test_step(data), data_batch=data)
    return evaluator.evaluate(len(dataloader.dataset))[ACCURACY]


@torch.no_grad()
def pool(cfg: Config, checkpoints: list[tuple[int, Path]], latents: LatentDataset) -> list[tuple]:
    """Synthesise (inputs, teacher's logits) from all generators of a run, each its share."""
    batches = []
    for index, (_, path) in enumerate(checkpoints):
        model = load(cfg, path)
        own = Subset(latents, range(index, len(latents), len(checkpoints)))
        for data in DataLoader(own, batch_size=BATCH):
            (sample,) = model.val_step(data)
            batches.append((model.normalize(sample['images']), sample['logits']))
    return batches


@torch.no_grad()
def agreement_on(batches: list[tuple], model: Any) -> dict[str, float]:
    """Return the student's agreement with the teacher on a run's pool."""
    num = sum(len(inputs) for inputs, _ in batches)
    sums = [compare(logits, model.student(inputs).logits) for inputs, logits in batches]
    return {f'pool/{name}': float(sum(s[name] for s in sums) / num) for name in sums[0]}


def measure(
    cfg: Config, runs: list[Path], num: int, seed: int, data_free: bool = False
) -> list[dict[str, Any]]:
    """Measure all checkpoints of all runs: rows of figures by name."""
    checkpoints = {run: whole_checkpoints(run) for run in runs}
    model = load(cfg, checkpoints[runs[0]][0][1])
    latents = model.held_out(num, seed)
    if model.sources[0] == 'memory' and isinstance(latents, LatentDataset):
        print(
            'warning: each round refits the generator to its own latents (fixed_latents), so that '
            'images of held-out ones are not what the student learns from; rank with care',
            file=sys.stderr,
        )
    agreement = Agreement(CORRUPTIONS)
    if not data_free:
        dataloader = Runner.build_dataloader(cfg.test_dataloader)
        names = getattr(model.teacher, 'class_names', None)
        check_dataset(dataloader.dataset, model.num_classes, 'test', names)
        check_images(next(iter(dataloader)), model.image_shape, 'test')
        evaluator = Evaluator(cfg.test_evaluator)
        evaluator.dataset_meta = dataloader.dataset.metainfo
    # Runs of one last name are told apart by their paths.
    last = [run.resolve().name for run in checkpoints]
    names = {
        run: name if last.count(name) == 1 else str(run)
        for run, name in zip(checkpoints, last, strict=True)
    }
    rows = []
    bar = ProgressBar(sum(map(len, checkpoints.values())), file=sys.stderr)
    for run, of_run in checkpoints.items():
        pooled = pool(cfg, of_run, latents)
        for iteration, path in of_run:
            model = load(cfg, path)
            row = {'run': names[run], 'iteration': iteration}
            if not data_free:
                row[ACCURACY] = evaluate_real(model, dataloader, evaluator)
            row |= agreement_on(pooled, model)
            rows.append(row | evaluate_synthetic(model, latents, [agreement], BATCH))
            bar.update()
    return rows


def correlate(rows: list[dict[str, Any]], figure: str) -> dict[str, float] | None:
    """Rank correlations of a figure with the accuracy; None of too few or equal values."""
    values, accuracies = ([row[name] for row in rows] for name in (figure, ACCURACY))
    if len(rows) < FEWEST or len(set(values)) < 2 or len(set(accuracies)) < 2:
        return None
    return {
        'spearman': float(spearmanr(values, accuracies).statistic),
        'kendall': float(kendalltau(values, accuracies).statistic),
    }


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows, what each choice gives and, with accuracies, correlations."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        runs.setdefault(row['run'], []).append(row)
    summary: dict[str, Any] = {'checkpoints': rows}
    summary['chosen'] = {name: choose(group) for name, group in runs.items()}
    if ACCURACY in rows[0]:
        # How long a run has trained ranks its checkpoints, too: the figures have to beat that.
        figures = [name for name in rows[0] if name not in ('run', ACCURACY)]
        groups = runs | {'all': rows} if len(runs) > 1 else runs
        summary['correlations'] = {
            figure: {name: correlate(group, figure) for name, group in groups.items()}
            for figure in figures
        }
    return summary


def choose(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Choose of a run the last checkpoint, by agreement, and what is best in truth.

    Returns:
        By the name of the choice, ``iteration`` and, where it is known, the accuracy.
    """
    latest_first = rows[::-1]
    choices = {'last': rows[-1]}
    for name in ('agreement/top1', 'pool/top1', ACCURACY):
        if name in rows[0]:
            choices[name] = max(latest_first, key=itemgetter(name))
    for name in rows[0]:
        if '/kl' in name:
            choices[name] = min(latest_first, key=itemgetter(name))
    kept = ('iteration', ACCURACY)
    return {name: {key: row[key] for key in kept if key in row} for name, row in choices.items()}


def table(header: list[str], rows: list[list[Any]]) -> str:
    """Lay out a table; numbers get two digits, None a dash."""
    return markdown(header, ([_cell(value) for value in row] for row in rows))


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ' / '.join(_cell(v) for v in value.values())
    return '-' if value is None else f'{value:.2f}' if isinstance(value, float) else str(value)


def report(summary: dict[str, Any]) -> str:
    """Format the tables."""
    rows, chosen = summary['checkpoints'], summary['chosen']
    header = [name.removeprefix('agreement/') for name in rows[0]]
    parts = [table(header, [list(row.values()) for row in rows])]
    if correlations := summary.get('correlations'):
        groups = list(next(iter(correlations.values())))
        parts += [
            f'Spearman / Kendall rank correlation with {ACCURACY}, by run (kl falls as it rises):',
            table(['figure', *groups], [[name, *of.values()] for name, of in correlations.items()]),
        ]
        # Why there are dashes:
        parts += [
            f'A run should have at least {FEWEST} checkpoints to be ranked (- where it has not), '
            f'but got {count} of {run}; train with default_hooks.checkpoint.max_keep_ckpts=-1'
            for run, count in Counter(row['run'] for row in rows).items()
            if count < FEWEST
        ]
    parts += [
        f'The checkpoint that is last, or the best by each figure, and its {ACCURACY} if known:',
        table(
            ['run', *next(iter(chosen.values()))],
            [[name, *choices.values()] for name, choices in chosen.items()],
        ),
    ]
    return '\n\n'.join(parts)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    add('config', help='a distillation config')
    add('runs', nargs='+', type=Path, help='work dirs of runs of it')
    add('--num', type=positive, default=2000, help='synthetic images')
    add('--seed', type=not_negative, default=1000, help='of their latents and labels')
    add('--data-free', action='store_true', help='choose only: there are no real images')
    add('--json', type=Path, help='write all figures to this file, too')
    add('--force', action='store_true', help='replace what is there')
    add('--cfg-options', nargs='+', action=DictAction, default={}, help='override the config')
    return parser.parse_args()


def main() -> None:
    """Run."""
    args = parse_args()
    cfg = read_distillation(args.config, args.cfg_options)
    check_loaders(cfg)
    if not (args.data_free or cfg.get('test_dataloader')):
        raise ValueError(
            f'{args.config} should have a test_dataloader, but has none; --data-free needs none'
        )
    settings = figure_files.settings_of(args)
    out = figure_files.reserve(args.json, settings, args.force) if args.json else None
    start = time.perf_counter()
    summary = summarise(measure(cfg, args.runs, args.num, args.seed, args.data_free))
    print('\n' + report(summary))
    if out:
        figure_files.write(out, settings, time.perf_counter() - start, **summary)


command = as_command(main)

if __name__ == '__main__':
    command()
