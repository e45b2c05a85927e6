"""Figures of a run's synthetic images: ``mmdfkd figures CONFIG CHECKPOINT``.

FID, KID, precision, recall, density, coverage and Inception score against real images, the
balance of the classes, the diversity inside them, and how far the student agrees with the
teacher; of live samples of held-out latents, or of random ones in the memory. Real images
are the config's evaluation set with its split ``train``, and the floor is that split against
the evaluation set itself. ``--no-real`` gives what a user without any real image can have.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from mmdfkd.cli.command import Parser, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, config_file, read_config, read_distillation
from mmdfkd.evaluation import Agreement, ClassBalance, Diversity, Fidelity, InceptionExtractor
from mmdfkd.evaluation.functional.diversity import comparable_pixels, duplicate_share
from mmdfkd.evaluation.metrics.agreement import CORRUPTIONS
from mmdfkd.evaluation.metrics.diversity import DUPLICATE_DISTANCE
from mmdfkd.evaluation.run import bind, evaluate_synthetic
from mmdfkd.models.distillers import choose_source, load_distiller, samples_of
from mmdfkd.reports import figure_files
from mmdfkd.reports.tables import markdown

#: What to do without real images.
NO_REAL = '--no-real gives the figures that need no real image'
CACHE_DIR = 'work_dirs/real_statistics'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='the config of the run')
    parser.add_argument('checkpoint', type=Path, help='a checkpoint of that run')
    parser.add_argument(
        '--source',
        choices=['generator', 'memory'],
        help='live samples of the generator (default, where one lasts) or the memory',
    )
    parser.add_argument(
        '--num',
        type=positive,
        default=50000,
        help='synthetic images (of the memory: at most what it holds)',
    )
    parser.add_argument(
        '--extractor',
        type=extractor,
        help="'inception' (by default: of 2015, 2048 features, as everyone has it), 'teacher', or "
        'a config file with extractor=dict(...)',
    )
    parser.add_argument('--inception-weights', help='their file; without it they are downloaded')
    parser.add_argument('--per-class', action='store_true', help='FID inside each class, too')
    parser.add_argument('--no-real', action='store_true', help='figures without real images')
    parser.add_argument('--seed', type=not_negative, default=1000, help='of the held-out latents')
    parser.add_argument('--batch-size', type=positive, default=250)
    parser.add_argument('--cache-dir', help=f'of real images, by default {CACHE_DIR}')
    parser.add_argument(
        '--json', type=Path, help='the file to write (default: figures.json by the checkpoint)'
    )
    parser.add_argument('--force', action='store_true', help='replace what is there')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config, as KEY=VALUE'
    )
    args = parser.parse_args(argv)
    check_options(parser, args)
    args.extractor = args.extractor or 'inception'
    args.cache_dir = args.cache_dir or CACHE_DIR
    return args


def check_options(parser: Parser, args: argparse.Namespace) -> None:
    """End with a message if an option is given that would not be looked at."""
    if args.no_real and (args.extractor or args.per_class):
        parser.error('--extractor and --per-class should be left out with --no-real')
    if args.no_real and (args.inception_weights or args.cache_dir):
        parser.error('--inception-weights and --cache-dir should be left out with --no-real')
    if args.inception_weights and args.extractor not in (None, 'inception'):
        parser.error(f'--inception-weights should be left out with --extractor {args.extractor}')


def extractor(given: str) -> str:
    """Return the name of an extractor or the path of a config; a type of argparse."""
    return given if given in ('inception', 'teacher') else config_file(given)


def train_split(dataset: ConfigDict) -> ConfigDict:
    """Return the whole training split of an evaluation set's config.

    Raises:
        ValueError: if nothing in the config names a split, or more than one thing does.
    """
    # Of test images that are a choice: training images of these places would be of few classes.
    whole = {key: value for key, value in dataset.items() if key != 'indices'}
    names = [name for name in ('split', 'data_prefix', 'ann_file') if dataset.get(name)]
    if names == ['split']:
        return ConfigDict(whole | {'split': 'train'})
    if names == ['data_prefix'] and dataset.data_prefix in ('test', 'val'):
        return ConfigDict(whole | {'data_prefix': 'train'})
    raise ValueError(
        "the evaluation set should have split='test' or data_prefix='test' (or 'val') alone, so "
        f'that its training split can be named, but got { {k: dataset[k] for k in names} }; put '
        "real_images=dict(...), a data set's config, into your config, or use --no-real"
    )


def make_extractor(args: argparse.Namespace) -> Any:
    """Return what Fidelity takes for ``--extractor``."""
    if args.extractor == 'inception':
        return dict(type=InceptionExtractor, weights=args.inception_weights)
    if args.extractor == 'teacher':
        return 'teacher'
    extractor = read_config(args.extractor).get('extractor')
    if not isinstance(extractor, dict):
        raise ValueError(
            f"--extractor should be 'inception', 'teacher' or a config with extractor=dict(...), "
            f'but {args.extractor} has {extractor}; see configs/extractors/'
        )
    return extractor


def make_metrics(args: argparse.Namespace, cfg: Config) -> list:
    """Build the metrics."""
    if args.no_real:
        return [ClassBalance(), Diversity(), Agreement(CORRUPTIONS)]
    if not cfg.get('test_dataloader'):  # a run may validate without real images
        raise ValueError(f'{args.config} should have a test_dataloader, but has none; {NO_REAL}')
    evaluation_set = cfg.test_dataloader.dataset
    real = cfg.get('real_images') or train_split(evaluation_set)
    fidelity = Fidelity(
        real=real,
        floor=evaluation_set,
        extractor=make_extractor(args),
        per_class=args.per_class,
        cache_dir=args.cache_dir,
    )
    return [
        fidelity,
        ClassBalance(real=evaluation_set),
        Diversity(real=evaluation_set),
        Agreement(CORRUPTIONS),
    ]


def memory_duplicates(memory: Any, num: int) -> float:
    """Return the share of ``num`` of a memory's images with a near-duplicate among all of them.

    Of more than 5,000 a random 5,000 are looked at, each beside all the others.
    """
    parts = (comparable_pixels(memory[slots]) for slots in torch.arange(num).split(1000))
    return duplicate_share(torch.cat([part.cpu() for part in parts]), DUPLICATE_DISTANCE)


def table(figures: dict[str, float]) -> str:
    """Lay the figures out, one a row."""
    return markdown(['figure', 'value'], ([name, f'{v:.4f}'] for name, v in figures.items()))


def main(argv: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(argv)
    cfg = read_distillation(args.config, args.cfg_options)
    place = args.json or args.checkpoint.with_name('figures.json')
    model = load_distiller(cfg, args.checkpoint)
    args.source = choose_source(model, args.source)
    settings = figure_files.settings_of(args, 'batch_size', 'cache_dir')
    out = figure_files.reserve(place, settings, args.force)
    start = time.perf_counter()
    model.to('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        metrics = make_metrics(args, cfg)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{error}; {NO_REAL}') from error
    dataset: Any = samples_of(model, args.source, args.num, args.seed)
    bind(metrics, model)
    for metric in metrics:
        if isinstance(metric, Fidelity):
            metric.describe_real(len(dataset))  # what cannot be read is told before hours of others
    figures = evaluate_synthetic(model, dataset, metrics, args.batch_size, sys.stdout.isatty())
    if args.source == 'memory':
        figures['memory/duplicates'] = memory_duplicates(model.memory, len(dataset))
    protocol: dict = next((m.protocol for m in metrics if isinstance(m, Fidelity)), {})
    print(f'\n{len(dataset)} images of the {args.source}')
    print(*(f'{name}: {value}' for name, value in protocol.items()), sep='\n')
    print(f'\n{table(figures)}')
    figure_files.write(
        out,
        settings,
        time.perf_counter() - start,
        num_fake=len(dataset),
        protocol=protocol,
        figures={name: value for name, value in figures.items() if value == value},  # JSON's
        details={m.default_prefix: m.details for m in metrics if hasattr(m, 'details')},
    )
    print(f'\nwritten to {place}')


command = as_command(main)

if __name__ == '__main__':
    command()
