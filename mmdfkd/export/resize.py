"""How a file's image is brought to a student's size, as the run's test pipeline does it."""

import logging
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from mmpretrain.registry import TRANSFORMS

#: Transforms that are returned, and those that leave an image's size as it is.
_SIZES = ('Resize', 'ResizeEdge', 'CenterCrop')
_NO_SIZES = ('LoadImageFromFile', 'NumpyToPIL', 'PILToNumpy', 'RandomGrayscale', 'PackInputs')


def resize_of(cfg: Config, shape: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Return what the evaluation set's pipeline does to an image's size, or one resize.

    A warning tells where the pipeline has transforms that may change sizes and are not returned.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
    pipeline = loader.get('dataset', {}).get('pipeline') or []
    kinds = [step['type'] for step in pipeline]
    names = [(kind if isinstance(kind, str) else kind.__name__).split('.')[-1] for kind in kinds]
    named = list(zip(names, pipeline, strict=True))
    kept = [dict(step, type=name) for name, step in named if name in _SIZES]
    others = [name for name in names if name not in (*_SIZES, *_NO_SIZES)]
    height, width = shape[1:]
    plain = dict(type='Resize', scale=(width, height), interpolation='bilinear', backend='pillow')
    steps = kept if kept and _size_after(kept, shape) == (height, width) else [plain]
    if others or (kept and steps is not kept):
        print_log(
            f'the exported configs resize images by {[step["type"] for step in steps]}, but the '
            f'test pipeline is {names}; where these differ, resize images yourself before the '
            'student gets them',
            logger='current',
            level=logging.WARNING,
        )
    return steps


def _size_after(steps: list[dict], shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Return (height, width) of an image, larger than of ``shape``, after these transforms."""
    result = dict(img=np.zeros((3 * shape[1], 4 * shape[2], 3), np.uint8))
    for step in steps:
        result = TRANSFORMS.build(dict(step))(result)
    return result['img'].shape[:2]
