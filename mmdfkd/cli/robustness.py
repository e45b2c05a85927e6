"""How robust a student is: ``python tools/robustness.py CONFIG CHECKPOINT``.

Accuracy of a distilled student, of its teacher, and of a student trained on real data where
one is given, on the config's test set: as it is, under CIFAR-10-C's corruptions, and under
attack (FGSM, PGD). A student trained on real data is made by, for example,

    python tools/train.py configs/students/lenet5_half_mnist.py

and given as --real-student work_dirs/students/lenet5_half_mnist/epoch_5.pth. It should be a
network like the config's student, trained with the same data preprocessor.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from rich.progress import track
from torch import Tensor

from mmdfkd.cli import DictAction, config_file, read_config
from mmdfkd.cli.command import Parser, above_zero, as_command, not_negative, positive
from mmdfkd.datasets import CIFARC
from mmdfkd.datasets.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from mmdfkd.datasets.labels import check_dataset, check_labels
from mmdfkd.evaluation.functional.attacks import Network, fgsm, pgd
from mmdfkd.models.distillers import load_distiller
from mmdfkd.registry import DATASETS, MODELS
from mmdfkd.reports import figure_files
from mmdfkd.reports.tables import markdown

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
ATTACKS = ('fgsm', 'pgd')
#: Usual sizes of an attack in pixels, by the images' channels: 0.1 and 0.3 of the range for
#: MNIST, 2/255 and 8/255 for CIFAR.
EPS = {1: [25.5, 76.5], 3: [2.0, 8.0]}

Rows = dict[str, dict[str, float]]


class Images(NamedTuple):
    """Test images (N, C, H, W) uint8, labels (N,) int64, their places, and the data set."""

    pixels: Tensor
    labels: Tensor
    indices: np.ndarray
    dataset: Any = None


def read_test_set(cfg: Config, num: int, seed: int) -> Images:
    """Decode ``num`` random images of the config's test set, as its pipeline gives them.

    Raises:
        ValueError: if they have other channels than the networks want.
    """
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    indices = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:num])
    samples = [dataset[int(index)] for index in indices]
    pixels = torch.stack([sample['inputs'] for sample in samples])
    labels = torch.tensor([int(sample['data_samples'].gt_label) for sample in samples])
    wanted = len(cfg.model.data_preprocessor.mean)
    if pixels.size(1) != wanted:
        raise ValueError(
            f'test images should have {wanted} channels, as the mean of the data preprocessor, '
            f'but got {pixels.size(1)}; mend the test_dataloader of the config'
        )
    return Images(pixels, labels, indices, dataset)


def build_networks(
    cfg: Config, checkpoint: str, real_student: str | None, images: Images | None = None
) -> dict[str, Network]:
    """Return functions of pixels (N, C, H, W) in [0, 255] that give logits, by name.

    Raises:
        FileNotFoundError: if weights are not there.
        ValueError: if they are another network's, or the images of other classes.
    """
    distiller = load_distiller(cfg, checkpoint).to(DEVICE).requires_grad_(False)
    if images is not None:
        names = getattr(distiller.teacher, 'class_names', None)
        check_dataset(images.dataset, distiller.num_classes, 'test', names)
        check_labels(images.labels, distiller.num_classes, 'test')
    classifiers = {'student': distiller.student, 'teacher': distiller.teacher}
    if real_student:
        on_real_data = MODELS.build(cfg.model.student | dict(checkpoint=real_student))
        classifiers['student on real data'] = on_real_data.to(DEVICE).requires_grad_(False)

    def logits(classifier: torch.nn.Module, pixels: Tensor) -> Tensor:
        return classifier(distiller.normalize(pixels)).logits

    return {name: partial(logits, network.eval()) for name, network in classifiers.items()}


def accuracy(
    network: Network, images: Images, batch_size: int, attack: Callable | None = None
) -> float:
    """Return the top-1 accuracy in percent, of attacked images if there is an attack."""
    right = 0
    pairs = zip(images.pixels.split(batch_size), images.labels.split(batch_size), strict=True)
    for pixels, labels in pairs:
        inputs, labels = pixels.to(DEVICE).float(), labels.to(DEVICE)
        if attack:
            inputs = attack(network, inputs, labels)
        with torch.no_grad():
            right += int((network(inputs).argmax(1) == labels).sum())
    return 100 * right / len(images.labels)


def corrupted(images: Images, name: str, severity: int, seed: int) -> Images:
    """Corrupt images as CIFAR-10-C does."""
    pairs = zip(images.pixels.permute(0, 2, 3, 1).numpy(), images.indices, strict=True)
    pixels = [corrupt(image, name, severity, int(index), seed) for image, index in pairs]
    return images._replace(pixels=torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))


def published(images: Images, name: str, severity: int, folder: str) -> Images:
    """Read corrupted images at the same places from the published files of CIFAR-10-C.

    Raises:
        ValueError: if the test images are of another shape, or their labels others.
    """
    dataset = CIFARC(folder, name, severity)
    pixels = torch.from_numpy(dataset.images[images.indices]).permute(0, 3, 1, 2)
    if pixels.shape != images.pixels.shape:
        raise ValueError(
            f'test images should be of shape {(*pixels.shape[1:],)} to compare them with {folder}, '
            f'but got {(*images.pixels.shape[1:],)}; leave --cifar-c out'
        )
    differing = int((dataset.labels[images.indices] != images.labels.numpy()).sum())
    if differing:
        raise ValueError(
            f'test images should be those of {folder} in their order, CIFAR’s own, but '
            f'{differing} of {len(pixels)} labels differ; take the whole test set of mmpretrain’s '
            'CIFAR10 or CIFAR100, not folders or a part of it, or leave --cifar-c out'
        )
    return images._replace(pixels=pixels)


def make_attack(name: str, eps: float, steps: int, seed: int) -> Callable | None:
    """Return an attack of (network, pixels, labels); None if ``name`` is none of ATTACKS."""
    if name == 'pgd':
        return partial(pgd, eps=eps, steps=steps, generator=torch.Generator().manual_seed(seed))
    return partial(fgsm, eps=eps) if name == 'fgsm' else None


def evaluate(cfg: Config, images: Images, args: argparse.Namespace) -> Rows:
    """Return accuracies in percent, ``{row: {network: accuracy}}``.

    Rows are ``clean``, a family and a severity as ``fog/3``, an attack and its eps as ``pgd/8``.
    """
    networks = build_networks(cfg, args.checkpoint, args.real_student, images)
    source = partial(corrupted, seed=args.seed)
    if args.cifar_c:
        source = partial(published, folder=args.cifar_c)
        for name in args.corruptions:
            source(images, name, 1)  # what is missing is missed now, not in an hour

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
    add('--severities', nargs='+', type=int, default=[1, 3, 5], choices=SEVERITIES)
    add('--cifar-c', metavar='DIR', help='read the published files here, do not make corruptions')
    add('--attacks', nargs='*', default=list(ATTACKS), choices=ATTACKS)
    add('--eps', nargs='+', type=above_zero, help='largest change of a pixel, of 255; by default 2 '
        '8, or 25.5 76.5 of grey images')  # fmt: skip
    add('--pgd-steps', type=positive, default=20, help='steps of PGD')
    add('--seed', type=not_negative, default=0, help='of images, corruptions and attacks')
    add('--json', type=Path, help='the file to write (default: robustness.json by the checkpoint)')
    add('--force', action='store_true', help='replace what is there')
    add('--cfg-options', nargs='+', action=DictAction, help='override the config')
    return parser.parse_args()


def main() -> None:
    """Run."""
    args = parse_args()
    cfg = read_config(args.config, args.cfg_options)
    start = time.perf_counter()
    images = read_test_set(cfg, args.num, args.seed)
    args.eps = args.eps or EPS[images.pixels.size(1)]
    args.num = len(images.labels)
    settings = figure_files.settings_of(args)
    place = args.json or Path(args.checkpoint).with_name('robustness.json')
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
