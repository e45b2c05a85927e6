"""How robust a student is: ``mmdfkd robustness CONFIG CHECKPOINT``.

Accuracy of a distilled student, of its teacher, and of a student trained on real data where
one is given, on the config's test set: as it is, under CIFAR-10-C's corruptions, and under
attack (FGSM, PGD). A student trained on real data is made by, for example,

    mmdfkd train configs/students/lenet5_half_mnist.py

and given as --real-student work_dirs/students/lenet5_half_mnist/epoch_5.pth. It should be a
network like the config's student, trained with the same data preprocessor.
"""

import argparse
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

from mmengine.config import Config
from rich.progress import track

from mmdfkd.cli.command import Parser, above_zero, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, config_file, read_distillation
from mmdfkd.datasets.corruptions import CORRUPTIONS, SEVERITIES
from mmdfkd.engine.check_training import check_loaders
from mmdfkd.evaluation.robustness import (
    ATTACKS,
    Images,
    accuracy,
    build_networks,
    corrupted,
    make_attack,
    published,
    read_test_set,
)
from mmdfkd.reports import figure_files
from mmdfkd.reports.tables import markdown

#: Usual sizes of an attack in pixels, by the images' channels: 0.1 and 0.3 of the range for
#: MNIST, 2/255 and 8/255 for CIFAR.
EPS = {1: [25.5, 76.5], 3: [2.0, 8.0]}

Rows = dict[str, dict[str, float]]


def evaluate(cfg: Config, images: Images, args: argparse.Namespace) -> Rows:
    """Return accuracies in percent, ``{row: {network: accuracy}}``.

    Rows are ``clean``, a family and a severity as ``fog/3``, an attack and its eps as ``pgd/8``.
    """
    networks = build_networks(cfg, args.checkpoint, args.real_student, images)
    source = partial(corrupted, seed=args.seed)
    tried = images._replace(pixels=images.pixels[:1], indices=images.indices[:1])
    if args.cifar_c:
        source, tried = partial(published, folder=args.cifar_c), images
    for name in args.corruptions:
        source(tried, name, 1)  # what is missing is missed now, not in an hour

    def job(name: str, level: float) -> dict[str, float]:
        chosen = source(images, name, int(level)) if name in CORRUPTIONS else images
        accuracies = {}
        for key, network in networks.items():
            attack = make_attack(name, level, args.pgd_steps, args.seed)
            accuracies[key] = accuracy(network, chosen, cfg.test_dataloader.batch_size, attack)
        return accuracies

    jobs = [('clean', 0), *product(args.corruptions, args.severities)]
    jobs += product(args.attacks, args.eps)
    bar = track(jobs, 'robustness', disable=not sys.stdout.isatty())
    return {f'{name}/{level:g}' if level else name: job(name, level) for name, level in bar}


def summarize(rows: Rows, corruptions: list[str]) -> Rows:
    """Average rows: the severities of each family, and the families' averages."""

    def mean(of: list[dict[str, float]]) -> dict[str, float]:
        return {key: sum(row[key] for row in of) / len(of) for key in rows['clean']}

    families = {
        name: mean([row for key, row in rows.items() if key.startswith(f'{name}/')])
        for name in corruptions
    }
    return families | ({'mean of corruptions': mean(list(families.values()))} if families else {})


def table(rows: Rows, means: Rows) -> str:
    """Format the accuracies as a Markdown table, a network a column."""
    attacked = {
        f'{name.upper()}, eps {level}': row
        for (name, _, level), row in ((key.partition('/'), row) for key, row in rows.items())
        if name in ATTACKS
    }
    lines = []
    for title, row in ({'clean': rows['clean']} | means | attacked).items():
        of_severities = [part for key, part in rows.items() if key.startswith(f'{title}/')]
        cells = [f'{value:.2f}' for value in row.values()]
        if len(of_severities) > 1:
            parts = [' / '.join(f'{part[name]:.1f}' for part in of_severities) for name in row]
            cells = [f'{cell} ({part})' for cell, part in zip(cells, parts, strict=True)]
        lines.append([title, *cells])
    return markdown(['accuracy, %', *rows['clean']], lines)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    add = parser.add_argument
    families = ', '.join(CORRUPTIONS)
    add('config', type=config_file, help='a distillation config of configs/')
    add('checkpoint', help='a checkpoint of that config')
    add('--real-student', metavar='CHECKPOINT', help='of the student trained on real data')
    add('--num', type=positive, default=2000, help='test images, drawn at random')
    add('--corruptions', nargs='*', metavar='NAME', default=list(CORRUPTIONS),
        choices=CORRUPTIONS, help=f'families, all by default: {families}')  # fmt: skip
    add('--severities', nargs='+', type=int, choices=SEVERITIES, help='1 3 5 by default')
    add('--cifar-c', metavar='DIR', help='read the published files here, do not make corruptions')
    add('--attacks', nargs='*', default=list(ATTACKS), choices=ATTACKS)
    add('--eps', nargs='+', type=above_zero, help='largest change of a pixel, of 255; by default 2 '
        '8, or 25.5 76.5 of grey images')  # fmt: skip
    add('--pgd-steps', type=positive, help='steps of PGD, 20 by default')
    add('--seed', type=not_negative, default=0, help='of images, corruptions and attacks')
    add('--json', type=Path, help='the file to write (default: robustness.json by the checkpoint, '
        'here for a URL)')  # fmt: skip
    add('--force', action='store_true', help='replace what is there')
    add('--cfg-options', nargs='+', action=DictAction, help='override the config')
    args = parser.parse_args()
    if max(args.eps or [0]) > 255:
        parser.error(f'--eps should be pixels of 255 at most, but got {args.eps}')
    given = [
        ('--eps', args.eps, 'without --attacks', args.attacks),
        ('--pgd-steps', args.pgd_steps, 'without pgd among --attacks', 'pgd' in args.attacks),
        ('--severities', args.severities, 'without --corruptions', args.corruptions),
        ('--cifar-c', args.cifar_c, 'without --corruptions', args.corruptions),
    ]
    for option, value, where, used in given:
        if value and not used:
            parser.error(f'{option} should be left out {where}')
    args.severities = args.severities or [1, 3, 5]
    args.pgd_steps = args.pgd_steps or 20
    return args


def main() -> None:
    """Run."""
    args = parse_args()
    cfg = read_distillation(args.config, args.cfg_options)
    if not cfg.get('test_dataloader'):
        raise ValueError(
            f'{args.config} should have a test_dataloader, whose images are corrupted, but has '
            'none; give one'
        )
    check_loaders(cfg)
    start = time.perf_counter()
    images = read_test_set(cfg, args.num, args.seed)
    # Images of other channels are refused where the networks are built.
    args.eps = args.eps or EPS.get(images.pixels.size(1), EPS[3])
    args.num = len(images.labels)
    settings = figure_files.settings_of(args)
    beside = Path() if '://' in args.checkpoint else Path(args.checkpoint).parent
    place = args.json or beside / 'robustness.json'
    out = figure_files.reserve(place, settings, args.force)
    rows = evaluate(cfg, images, args)
    means = summarize(rows, args.corruptions)
    print(table(rows, means))
    seconds = time.perf_counter() - start
    figure_files.write(out, settings, seconds, accuracy=rows, means=means)
    print(f'{args.num} images, corruptions of severity {args.severities}; written to {place}')


command = as_command(main)

if __name__ == '__main__':
    command()
