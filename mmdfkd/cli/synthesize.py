"""Write a data set of synthetic images: ``mmdfkd synthesize CONFIG CHECKPOINT OUT``.

OUT is a folder of classes, OUT/3/000123.png, as torchvision's ImageFolder and mmpretrain's
CustomDataset read it; or, if its name ends in .npz, one file with ``images`` (N, H, W, C)
uint8 and ``labels`` (N,) int64, class by class. Classes have equally many images; where
--num is no multiple of their number, the first ones have one more. The label is the class
that the generator was asked for, or, of an unconditional generator and of the memory,
the teacher's decision. Started again, a killed run goes on where it stopped.
"""

import argparse
import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor
from torch.utils.data import Dataset, Subset, default_collate

import mmdfkd
from mmdfkd.cli.command import Parser, as_command, not_negative, positive
from mmdfkd.config_tools import DictAction, config_file, read_distillation
from mmdfkd.datasets import MemoryDataset, image_set
from mmdfkd.evaluation.metrics.synthetic_metric import check_finite
from mmdfkd.models.distillers import choose_source, load_distiller
from mmdfkd.outputs import Output

MAX_DRAWS = 20  # images drawn for one written, where the teacher labels them


def is_asked(distiller: Any, source: str) -> bool:
    """Tell whether labels are asked for, not the teacher's decision."""
    return source == 'generator' and distiller.generator.conditional


def draws(distiller: Any, source: str, num: int, seed: int) -> Dataset:
    """Return what to draw at most for ``num`` images: latents, or slots in random order."""
    if source == 'memory':
        length = len(distiller.memory)
        slots = MemoryDataset(length)
        order = np.random.default_rng(seed).permutation(length)
        return Subset(slots, order.tolist())
    classes = distiller.num_classes
    # Any C labels in turn hold each class once; the teacher's decisions are no such thing.
    length = -(-num // classes) * classes if is_asked(distiller, source) else MAX_DRAWS * num
    return distiller.held_out(length, seed)


def batches(
    distiller: Any, dataset: Any, batch_size: int, first: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Synthesise batches from number ``first`` on.

    Yields:
        Images (N, C, H, W) uint8, their labels (N,) and the teacher's decisions (N,).

    Raises:
        ValueError: if anything in a batch is NaN or infinite, before it is written.
    """
    for start in range(first * batch_size, len(dataset), batch_size):
        indices = range(start, min(start + batch_size, len(dataset)))
        sample = distiller.val_step(default_collate([dataset[i] for i in indices]))[0]
        check_finite(sample)
        decisions = sample['logits'].argmax(1).cpu()
        labels = decisions if sample['labels'] is None else sample['labels'].cpu()
        yield sample['images'].to('cpu', torch.uint8), labels, decisions


def write_folder(distiller: Any, folder: Path, settings: dict) -> None:
    """Write the images class by class, from where an earlier run stopped.

    Raises:
        ValueError: if the teacher sees too few images of a class.
    """
    state = image_set.begin(folder, settings)
    counts = state['counts']
    each, more = divmod(settings['num'], len(counts))
    shares = [each + (label < more) for label in range(len(counts))]
    names = image_set.class_names(len(counts))
    for name in names:
        (folder / name).mkdir(exist_ok=True)
    dataset: Any = draws(distiller, settings['source'], settings['num'], settings['seed'])
    left = batches(distiller, dataset, settings['batch_size'], state['batches'])
    with Progress(disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task('images', total=settings['num'], completed=sum(counts))
        while counts != shares:
            batch = next(left, None)
            if batch is None:
                raise ValueError(too_few(settings, len(dataset), counts, shares))
            for image, label, decision in zip(*batch, strict=True):
                number = counts[label]
                if number < shares[label]:
                    image_set.write_image(folder / names[label] / f'{number:06d}.png', image)
                    counts[label] += 1
                    state['teacher_agrees'] += int(label == decision)
            state['batches'] += 1
            image_set.write_state(folder, state)
            progress.update(task, completed=sum(counts))


def too_few(settings: dict, drawn: int, counts: list[int], shares: list[int]) -> str:
    """Say which classes lack images."""
    lacking = {c: n for c, (n, share) in enumerate(zip(counts, shares, strict=True)) if n < share}
    what = f'the {settings["source"]} should give {max(shares)} images of each class'
    # A generator makes as many more as are asked for: fewer of them would fail again.
    possible = settings['source'] == 'memory' and min(counts)
    fewer = f'ask for --per-class {min(counts)}, or ' if possible else ''
    return (
        f'{what}, but in {drawn} images the teacher sees only {lacking} (class: images); '
        f'{fewer}take a checkpoint of a longer run, and another OUT'
    )


def write_npz(distiller: Any, out: Path, settings: dict) -> None:
    """Write one file; until it is done, its images are in the folder OUT.parts."""
    parts = out.with_name(f'{out.name}.parts')
    if out.is_file():
        with np.load(out, allow_pickle=False) as content:
            image_set.check_same(out, json.loads(str(content['metadata']))['settings'], settings)
    else:
        write_folder(distiller, parts, settings)
        image_set.pack(parts, out)
    shutil.rmtree(parts, ignore_errors=True)


def choose_settings(distiller: Any, args: argparse.Namespace) -> dict:
    """Return what the data set depends on; two runs with the same write the same files.

    Raises:
        ValueError: if there are fewer images than classes, or more than the memory holds.
    """
    classes = distiller.num_classes
    num = args.per_class * classes if args.per_class is not None else args.num
    if num < classes:
        raise ValueError(f'--num should be at least {classes}, one image a class, but got {num}')
    if args.source == 'memory' and num > len(distiller.memory) > 0:  # an empty one is told later
        raise ValueError(
            f'--num should be at most {len(distiller.memory)}, the images in the memory, but '
            f'got {num}; ask for fewer, or for --source generator if the method has one'
        )
    return dict(
        config=Path(args.config).name,
        cfg_options={key: str(value) for key, value in args.cfg_options.items()},
        checkpoint=args.checkpoint.name,
        checkpoint_sha256=hashlib.sha256(args.checkpoint.read_bytes()).hexdigest(),
        source=args.source,
        labels='asked' if is_asked(distiller, args.source) else 'teacher',
        num=num,
        num_classes=classes,
        seed=args.seed,
        batch_size=args.batch_size,  # as figures of floating point may depend on it
        device=distiller.data_preprocessor.device.type,
        versions={
            'mmdfkd': mmdfkd.__version__,
            'python': platform.python_version(),
            'torch': torch.__version__,
            'numpy': np.__version__,
        },
    )


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', type=config_file, help='the config of the run')
    parser.add_argument('checkpoint', type=Path, help='a checkpoint of that run')
    parser.add_argument('out', type=Path, help='a folder to write, or a file OUT.npz')
    size = parser.add_mutually_exclusive_group()
    size.add_argument('--num', type=positive, default=50_000, help='images')
    size.add_argument('--per-class', type=positive, help='images of each class')
    parser.add_argument(
        '--source',
        choices=['generator', 'memory'],
        help='live samples of the generator (default, where one lasts) or the memory',
    )
    parser.add_argument(
        '--seed', type=not_negative, default=0, help='of the latents, or of the slots'
    )
    parser.add_argument('--batch-size', type=positive, default=250)
    parser.add_argument('--force', action='store_true', help='replace the file of --grid')
    parser.add_argument('--grid', type=Path, help='also write a picture to this .png file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        help='override the config, e.g. model.teacher.checkpoint=FILE',
    )
    args = parser.parse_args(arguments)
    if args.grid and args.grid.suffix != '.png':
        parser.error(f'--grid should be a file that ends in .png, but got {args.grid}')
    if args.force and not args.grid:
        parser.error('--force should be left out without --grid, whose file it replaces')
    return args


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(arguments)
    cfg = read_distillation(args.config, args.cfg_options)
    distiller = load_distiller(cfg, args.checkpoint)
    distiller.to('cuda' if torch.cuda.is_available() else 'cpu')
    args.source = choose_source(distiller, args.source)
    settings = choose_settings(distiller, args)
    image_set.check_place(args.out)
    grid = Output(args.grid, args.force, option='another --grid') if args.grid else None
    (write_npz if args.out.suffix == '.npz' else write_folder)(distiller, args.out, settings)
    if grid:
        grid.save(lambda part: image_set.write_grid(args.out, part, settings))
    print(f'{settings["num"]:,} images of {settings["num_classes"]} classes are in {args.out}')


command = as_command(main)

if __name__ == '__main__':
    command()
