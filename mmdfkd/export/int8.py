"""8-bit ONNX: static quantisation, calibrated on images that the run itself made."""

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .onnx_file import INPUT, run, session

#: Images that the ranges of the activations are taken from: more were no better (docs/results).
CALIBRATION = 512
#: Other images, on which the 8-bit file is compared with the one it was made of.
HELD_OUT = 2000
_BATCH = 64


def quantise(source: Path, target: Path, images: Tensor, method: str = 'MinMax') -> None:
    """Write an 8-bit form of an ONNX file: weights a scale each output channel, QDQ nodes.

    Args:
        source: the file to read.
        target: the file to write.
        images: pixels (N, C, H, W) that the activations' ranges are taken from.
        method: of ONNX Runtime's ``CalibrationMethod``. MinMax was as good as the others, and
            several times as fast (docs/results/export.md); they want a multiple of 64 images.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    wanted = session(source).get_inputs()[0].type
    dtype = torch.uint8 if 'uint8' in wanted else torch.float32
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises what is done here already
    try:
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder) / 'prepared.onnx'
            quant_pre_process(source, prepared, skip_symbolic_shape=True)
            quantization.quantize_static(
                prepared,
                target,
                _reader(images.to(dtype)),
                quant_format=quantization.QuantFormat.QDQ,
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod[method],
                reduce_range=True,  # weights of 7 bits: products of 8 overflow without VNNI
            )
    finally:
        logging.disable(before)


def _reader(images: Tensor) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """Gives the images batch by batch, as the calibration asks for them."""

        def __init__(self) -> None:
            self.left = iter(images.split(_BATCH))

        def get_next(self) -> dict | None:
            """Return the next batch, or None after the last."""
            batch = next(self.left, None)
            return None if batch is None else {INPUT: batch.numpy()}

    return Reader()


def agreement(before: Path, after: Path, images: Tensor) -> float:
    """Return on how many of ``images`` (N, C, H, W) two files name the same class, in percent."""
    first, second = session(before), session(after)
    same = sum(
        int((run(first, batch).argmax(1) == run(second, batch).argmax(1)).sum())
        for batch in images.split(_BATCH)
    )
    return 100 * same / len(images)


def accuracies(files: Iterable[Path], batches: Iterable[tuple[Tensor, Tensor]]) -> list[float]:
    """Return the top-1 accuracy of each file in percent.

    Args:
        files: ONNX files.
        batches: pixels (N, C, H, W) and labels (N,).
    """
    opened = [session(file) for file in files]
    right, seen = [0] * len(opened), 0
    for pixels, labels in batches:
        seen += len(labels)
        for number, one in enumerate(opened):
            right[number] += int((run(one, pixels).argmax(1) == labels).sum())
    return [100 * count / seen for count in right]
