"""ONNX files: written by torch's exporter, and compared with torch before anyone has them."""

import json
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .student import TrainedStudent

#: By which logits of an exported file may differ from torch's, in units of the largest one.
TOLERANCE = 1e-4
INPUT, OUTPUT = 'pixels', 'logits'


def require_onnx() -> None:
    """Raise an ImportError that says what to install, if anything is missing."""
    missing = [name for name in ('onnx', 'onnxruntime', 'onnxscript') if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'ONNX should be written with onnx, onnxruntime and onnxscript, but {missing} are not '
            "there; pip install 'mmdfkd[export]', or leave onnx out of the formats"
        )


def example_of(student: TrainedStudent, dtype: torch.dtype, num: int = 2) -> Tensor:
    """Return ``num`` images of random pixels (N, C, H, W)."""
    draws = torch.Generator().manual_seed(0)
    return torch.randint(256, (num, *student.image_shape), generator=draws).to(dtype)


def write_onnx(student: TrainedStudent, path: Path, dtype: torch.dtype) -> float:
    """Write the student with its normalisation, for any number of images.

    Its input is ``pixels`` (batch, C, H, W) in [0, 255], its output ``logits`` (batch, K);
    its metadata name the classes.

    Args:
        student: what to write.
        path: the file.
        dtype: of the pixels, ``torch.float32`` or ``torch.uint8``.

    Returns:
        The largest difference from torch's logits, in units of the largest logit.

    Raises:
        ValueError: if the exporter fails, or the file differs by more than :data:`TOLERANCE`.
    """
    import onnx

    model = student.pixel_classifier()
    with warnings.catch_warnings():  # of the exporter's own parts
        warnings.simplefilter('ignore')
        try:
            program: Any = torch.onnx.export(
                model,
                (example_of(student, dtype),),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim('batch')},),
                verbose=False,
            )
        except Exception as error:  # whatever a network makes it raise
            raise cannot('ONNX', 'onnx', student, error) from error
        proto = program.model_proto
    onnx.helper.set_model_props(proto, metadata_of(student))
    onnx.save(proto, path)
    return compare(model, lambda pixels: run(session(path), pixels), student, dtype, 'model.onnx')


def metadata_of(student: TrainedStudent) -> dict[str, str]:
    """Say in strings what the input is, and what the outputs are called."""
    channels, height, width = student.image_shape
    order = {1: 'grey', 3: 'RGB'}.get(channels, f'{channels} channels')
    said = {'pixels': f'{order}, 0 to 255, {height} x {width}; normalised inside'}
    return said | ({'classes': json.dumps(student.classes)} if student.classes else {})


def cannot(what: str, form: str, student: TrainedStudent, error: Exception) -> ValueError:
    """Return the error of an exporter that a network is too much for."""
    first = next((line for line in str(error).splitlines() if line.strip()), '')
    return ValueError(
        f'{what} should be able to hold a {type(student.library_model).__name__}, but its exporter '
        f'raised {type(error).__name__}: {first}; leave {form} out of the formats'
    )


def session(path: Path) -> Any:
    """Open a file with ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])


def run(opened: Any, pixels: Tensor) -> Tensor:
    """Return the logits (N, K) of pixels (N, C, H, W)."""
    wanted = np.uint8 if 'uint8' in opened.get_inputs()[0].type else np.float32
    return torch.from_numpy(opened.run([OUTPUT], {INPUT: pixels.numpy().astype(wanted)})[0])


@torch.no_grad()
def compare(
    model: torch.nn.Module, other: Any, student: TrainedStudent, dtype: torch.dtype, name: str
) -> float:
    """Compare logits of 1, 2 and 7 images with torch's; returns the largest relative difference.

    Raises:
        ValueError: if it is over :data:`TOLERANCE`.
    """
    worst = 0.0
    for num in (1, 2, 7):
        pixels = example_of(student, dtype, num)
        ours, theirs = model(pixels), other(pixels)
        scale = max(1.0, float(ours.abs().max()))
        difference = float((ours - theirs).abs().max()) / scale
        if not difference <= TOLERANCE:  # NaN is neither
            raise ValueError(
                f'{name} should give torch’s logits to {TOLERANCE:g} of the largest, but differs '
                f'by {difference:.2g}; leave its format out, and report the network'
            )
        worst = max(worst, difference)
    return worst
