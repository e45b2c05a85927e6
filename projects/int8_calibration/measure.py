"""What to calibrate an 8-bit network on: ``python projects/int8_calibration/measure.py``.

A run's student, or its teacher with --teacher, is quantised again and again: calibrated on the
run's synthetic images, on real training images and on Gaussian noise with the real pixels' mean
and std, drawn anew each time. The accuracy of all on the config's whole test set is a table.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from mmdfkd.cli.command import Parser, as_command, positive
from mmdfkd.cli.figures import train_split
from mmdfkd.config_tools import DictAction, merge_options
from mmdfkd.evaluation.real_images import RealImages
from mmdfkd.export import TrainedStudent, load_student, quantise, write_onnx
from mmdfkd.export.images import LabelledImages
from mmdfkd.export.int8 import accuracies, agreement
from mmdfkd.export.onnx_file import run, session
from mmdfkd.hardware import cpu_name
from mmdfkd.models.distillers import load_distiller
from mmdfkd.reports.tables import markdown

HELD_OUT = 1000


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('config', help='the config of a run; its test set is measured on')
    parser.add_argument('checkpoint', help='a checkpoint of that run, with its memory')
    parser.add_argument('--teacher', action='store_true', help='quantise the teacher')
    parser.add_argument('--num', type=positive, nargs='+', default=[512], help='images')
    parser.add_argument('--draws', type=positive, default=3, help='of the images')
    parser.add_argument('--methods', nargs='+', default=['MinMax'], help='ONNX Runtime’s')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='override the config, as KEY=VALUE'
    )
    return parser.parse_args(arguments)


def teacher_of(cfg: Config, checkpoint: str, student: TrainedStudent) -> TrainedStudent:
    """Return the run's teacher, with the images and the normalisation of the run."""
    network = load_distiller(cfg, checkpoint).teacher.network
    known = vars(student) | dict(network=network, config=cfg.model.teacher.network)
    return TrainedStudent(**(known | dict(state=network.state_dict())))


def read_real(cfg: Config, num: int, swap: bool) -> Tensor:
    """Return ``num`` random training images (N, C, H, W) uint8 of the config's data set, RGB."""
    images = RealImages(train_split(cfg.test_dataloader.dataset)).subset(num)
    pixels = torch.cat([pixels for pixels, _ in images.batches('Reading real images')])
    return pixels.flip(1) if swap else pixels


def noise_like(student: TrainedStudent, num: int) -> Tensor:
    """Return Gaussian pixels (N, C, H, W) uint8 with the data preprocessor's mean and std."""
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (student.mean, student.std))
    draws = torch.randn(num, *student.image_shape, generator=torch.Generator().manual_seed(0))
    return (draws * std + mean).round().clamp(0, 255).to(torch.uint8)


def measure(
    test: LabelledImages, sources: dict[str, Tensor], held_out: Tensor, args: argparse.Namespace
) -> list[list[str]]:
    """Return the rows of the table, the first one of the network as it is.

    Args:
        test: the test set of the network, which it knows.
        sources: images (N, C, H, W) uint8 to calibrate on, by name.
        held_out: other synthetic images, to compare classes on.
        args: the command line's.
    """
    cells: list[tuple[str, str, int]] = [
        (name, method, num) for name in sources for method in args.methods for num in args.num
    ]
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / 'whole.onnx'
        write_onnx(test.student, whole, torch.float32)
        files = [whole]
        for name, method, num in cells:
            for draw in range(args.draws):
                shuffle = torch.Generator().manual_seed(draw)
                order = torch.randperm(len(sources[name]), generator=shuffle)
                files.append(Path(folder) / f'{name}_{method}_{num}_{draw}.onnx')
                quantise(whole, files[-1], sources[name][order[:num]], method)
        found = accuracies(files, test.batches())
        same = [agreement(whole, file, held_out) for file in files[1:]]
        print(cost('float32', whole, held_out), cost('8 bits', files[1], held_out), sep='\n')
    rows = [['as it is, float32', '', '', f'{found[0]:.2f}', '100']]
    for number, (name, method, num) in enumerate(cells):
        part = slice(number * args.draws, (number + 1) * args.draws)
        rows.append([name, method, str(num), told(found[1:][part]), told(same[part])])
    return rows


def cost(name: str, file: Path, images: Tensor) -> str:
    """Say how large and how fast a file is: the median of 20 batches of 100 images, or fewer."""
    opened, times = session(file), []
    for _ in range(20):
        start = time.perf_counter()
        run(opened, images[:100])
        times.append(1000 * (time.perf_counter() - start) / len(images[:100]))
    return f'{name}: {file.stat().st_size:,} bytes, {statistics.median(times):.3f} ms an image'


def told(values: list[float]) -> str:
    """Return mean and standard deviation."""
    spread = f' ± {statistics.stdev(values):.2f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.2f}{spread}'


def main(arguments: list[str] | None = None) -> None:
    """Run."""
    args = parse_args(arguments)
    cfg = Config.fromfile(args.config)
    merge_options(cfg, args.cfg_options or {})
    student = load_student(cfg, args.checkpoint)
    memory = student.memory
    least = 2 * max(args.num) + HELD_OUT  # draws of all images would be one and the same
    if memory is None or len(memory) < least:
        raise ValueError(
            f'{args.checkpoint} should have at least {least} images in its '
            f'memory, but has {0 if memory is None else len(memory)}; take one of a longer run, or '
            'a smaller --num'
        )
    if args.teacher:
        student = teacher_of(cfg, args.checkpoint, student)
    test = LabelledImages(cfg, student)
    order = torch.randperm(len(memory), generator=torch.Generator().manual_seed(0))
    most = 4 * max(args.num)
    sources = {
        'synthetic': memory[order[HELD_OUT : HELD_OUT + most]],
        'real': read_real(cfg, most, test.swap),
        'noise': noise_like(student, most),
    }
    rows = measure(test, sources, memory[order[:HELD_OUT]], args)
    head = ['calibrated on', 'method', 'images', 'accuracy, %', 'as float32, %']
    print(markdown(head, rows))
    print(f'{len(test):,} images of {test.name}; n = {args.draws} draws of images; {cpu_name()}')


if __name__ == '__main__':
    as_command(main)()
