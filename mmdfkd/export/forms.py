"""The forms besides ONNX: torch.export, safetensors for timm and transformers, mmpretrain."""

import inspect
import math
import shutil
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmpretrain.models import HuggingFaceClassifier, ImageClassifier, TimmClassifier

import mmdfkd
from mmdfkd.outputs import Output
from mmdfkd.registry import MODELS

from .onnx_file import cannot, compare, example_of
from .student import TrainedStudent

#: Arguments of mmpretrain's wrapper; timm's model has the others.
_WRAPPERS_OWN = (
    '_scope_',
    'type',
    'model_name',
    'loss',
    'train_cfg',
    'with_cp',
    'init_cfg',
    'num_classes',
)


def write_pt2(student: TrainedStudent, path: Path, dtype: torch.dtype) -> float:
    """Write a program of ``torch.export``: pixels in, logits out, for any number of images.

    Args:
        student: what to write.
        path: the file.
        dtype: of the pixels, ``torch.float32`` or ``torch.uint8``.

    Returns:
        The largest difference from torch's logits, in units of the largest logit.

    Raises:
        ValueError: if the exporter fails, or the file differs.
    """
    model = student.pixel_classifier()
    try:
        program = torch.export.export(
            model,
            (example_of(student, dtype),),
            dynamic_shapes=({0: torch.export.Dim('batch')},),
        )
        torch.export.save(program, path)
    except Exception as error:  # whatever a network makes it raise
        raise cannot('torch.export', 'pt2', student, error) from error
    return compare(model, torch.export.load(path).module(), student, dtype, 'model.pt2')


def library_of(student: TrainedStudent) -> str | None:
    """Name the library that builds the student from a ``config.json``, or None.

    None also of a network of that library without some of its blocks or channels, and of timm's
    that takes BGR, which its ``config.json`` cannot say.
    """
    kind = student.config['type']
    with MODELS.switch_scope_and_registry(student.config.get('_scope_')) as models:
        kind = models.get(kind) if isinstance(kind, str) else kind
    for wrapper, name in ((TimmClassifier, 'timm'), (HuggingFaceClassifier, 'transformers')):
        if inspect.isclass(kind) and issubclass(kind, wrapper):
            return None if name == 'timm' and student.swap else name
    return None


def write_safetensors(student: TrainedStudent, weights: Output, config: Output | None) -> None:
    """Write the weights with the keys of their own library, and that library's ``config.json``.

    Args:
        student: what to write.
        weights: ``model.safetensors``.
        config: ``config.json``, with which ``timm.create_model('local-dir:FOLDER')`` and
            transformers' ``from_pretrained`` read the folder; None of another network.
    """
    if config is None:
        weights.save(lambda part: _save_tensors(student.state, part))
        return
    with tempfile.TemporaryDirectory(dir=weights.path.parent) as folder:
        saver = _save_timm if library_of(student) == 'timm' else _save_transformers
        saver(student, folder)
        for output in (weights, config):
            # Not moved: what safetensors writes is its owner's alone.
            output.save(partial(shutil.copyfile, Path(folder) / output.path.name))


def _save_tensors(state: dict[str, torch.Tensor], path: Path) -> None:
    from safetensors.torch import save

    # Tied weights are one tensor of two names, which the format refuses.
    tensors = {name: value.detach().clone().contiguous() for name, value in state.items()}
    path.write_bytes(save(tensors, metadata={'format': 'pt'}))


def _save_timm(student: TrainedStudent, folder: str) -> None:
    from timm.models import save_for_hf

    described: dict[str, Any] = dict(
        input_size=list(student.image_shape),
        mean=[value / 255 for value in student.mean],
        std=[value / 255 for value in student.std],
        num_classes=student.num_classes(),
        **_timms_resize(student),
    )
    model_config: dict[str, Any] = dict(pretrained_cfg=described)
    if student.classes:
        model_config['label_names'] = list(student.classes)
    given = {k: v for k, v in student.config.items() if k not in _WRAPPERS_OWN}
    save_for_hf(
        student.library_model, folder, model_config, model_args=given, safe_serialization=True
    )


def _timms_resize(student: TrainedStudent) -> dict[str, Any]:
    """Return timm's words for what is done to an image's size.

    Its ``center`` enlarges or reduces until the sides over ``crop_pct`` are covered, its ``squash``
    to these sides, and both cut the centre out.
    """
    height, width = student.image_shape[1:]
    steps = {step['type']: step for step in student.resize}
    edge, both = steps.get('ResizeEdge'), steps.get('Resize')
    name = (edge or both or {}).get('interpolation', 'bilinear')
    said = dict(interpolation='box' if name == 'area' else name, crop_pct=1.0, crop_mode='squash')
    if 'CenterCrop' not in steps:
        return said
    if edge and edge.get('edge', 'short') == 'short':
        return said | dict(crop_pct=_share(min(height, width), edge['scale']), crop_mode='center')
    if both and not both.get('keep_ratio'):
        across, down = both['scale'] if isinstance(both['scale'], Sequence) else [both['scale']] * 2
        if across * height == down * width:
            return said | dict(crop_pct=_share(height, down))
    return said | dict(crop_mode='center')


def _share(part: int, whole: int) -> float:
    """Return their ratio, such that timm, which rounds down, comes back to the whole."""
    ratio = part / whole
    return ratio if part / ratio >= whole else math.nextafter(ratio, 0.0)


def _save_transformers(student: TrainedStudent, folder: str) -> None:
    model: Any = student.library_model
    if student.classes:
        model.config.id2label = dict(enumerate(student.classes))
        model.config.label2id = {name: number for number, name in enumerate(student.classes)}
    model.save_pretrained(folder)


def check_mmpretrain(student: TrainedStudent) -> None:
    """Raise a ValueError if the student is not one of mmpretrain's classifiers."""
    kinds = (ImageClassifier, TimmClassifier, HuggingFaceClassifier)
    if not isinstance(student.network, kinds):
        raise ValueError(
            'mmpretrain should know the student, an ImageClassifier, TimmClassifier or '
            f'HuggingFaceClassifier, but got a {type(student.network).__name__}; leave mmpretrain '
            'out of the formats'
        )


def write_mmpretrain(student: TrainedStudent, weights: Output, config: Output) -> None:
    """Write ``{'state_dict', 'meta'}`` and the config with which mmpretrain reads it.

    ``ImageClassificationInferencer(CONFIG, WEIGHTS)`` takes them: files of any size are
    resized and normalised as the student wants them, and classes have names.

    Args:
        student: what to write.
        weights: the checkpoint.
        config: the config.
    """
    meta = dict(
        mmdfkd_version=mmdfkd.__version__,
        image_shape=list(student.image_shape),
        dataset_meta={'classes': list(student.classes)} if student.classes else {},
        record=student.record,
    )
    content = {'state_dict': student.state, 'meta': meta}
    weights.save(lambda part: torch.save(content, part))
    described = Config({'model': deepcopy(student.config)})
    order = slice(None, None, -1 if student.swap else 1)  # it normalises what the network takes
    described.model.data_preprocessor = dict(
        type='mmpretrain.ClsDataPreprocessor',
        mean=student.mean[order],
        std=student.std[order],
        # mmpretrain reads files as BGR.
        to_rgb=student.image_shape[0] == 3 and not student.swap,
    )
    described.test_dataloader = dict(
        dataset=dict(type='mmpretrain.CustomDataset', pipeline=_pipeline(student))
    )
    config.save(described.dump)


def _pipeline(student: TrainedStudent) -> list[dict[str, Any]]:
    """Return transforms of a file's image; the Inferencer leaves the first one out."""
    # Of BGR, as mmdfkd test reads colours; over 256, so that a grey file, read as three equal
    # channels, stays as it is to the bit.
    weights = (29 / 256, 150 / 256, 77 / 256)
    grey = dict(type='RandomGrayscale', prob=1.0, channel_weights=weights)
    return [
        dict(type='LoadImageFromFile'),
        *([grey] if student.image_shape[0] == 1 else []),
        *student.resize,
        dict(type='PackInputs'),
    ]
