"""Rows of figures about the exported files, as the model card has them."""

import sys

from rich.progress import track
from torch import Tensor

from mmdfkd.hardware import cpu_name
from mmdfkd.outputs import Output

from .images import BATCH_SIZE, LabelledImages
from .int8 import CALIBRATION, accuracies, agreement, quantise


def write_int8(files: dict[str, Output], images: Tensor, name: str) -> list[list[str]]:
    """Write the 8-bit file; returns rows of figures about it.

    Args:
        files: the files, by name.
        images: (N, C, H, W) uint8, to calibrate and to compare on.
        name: where they are from.
    """
    calibration = min(CALIBRATION, len(images) // 2)
    whole, small = files['model.onnx'].path, files['model.int8.onnx'].path
    files['model.int8.onnx'].save(lambda part: quantise(whole, part, images[:calibration]))
    held_out = images[calibration:]
    same = agreement(whole, small, held_out)
    sizes = [f'{path.stat().st_size:,}' for path in (whole, small)]
    return [
        [
            'model.int8.onnx, same class as model.onnx, %',
            f'{same:.2f}',
            f'{len(held_out):,} of {name}',
            cpu_name(),
        ],
        ['model.int8.onnx, calibrated on', '', f'{calibration:,} others of {name}', ''],
        ['bytes of model.onnx, model.int8.onnx', ' and '.join(sizes), '', ''],
    ]


def measure(files: dict[str, Output], test: LabelledImages) -> list[list[str]]:
    """Return rows of the accuracies of the ONNX files."""
    names = [name for name in ('model.onnx', 'model.int8.onnx') if name in files]
    quiet = not sys.stdout.isatty()
    batches = track(test.batches(), 'Test images', -(-len(test) // BATCH_SIZE), disable=quiet)
    found = accuracies([files[name].path for name in names], batches)
    return [
        [f'{name}, accuracy, %, {test.name}', f'{value:.2f}', f'{len(test):,}', cpu_name()]
        for name, value in zip(names, found, strict=True)
    ]
