"""The order of colour channels in which a data set gives its images."""

import logging
from typing import Any

from mmengine.logging import print_log

#: Transforms that leave the order as it is.
_NEUTRAL = ('Resize', 'ResizeEdge', 'CenterCrop', 'PackInputs')
#: Of ``color_type``: three channels, whatever the file has.
_COLOURS = ('color', 'color_ignore_orientation')


def reads_bgr(dataset: Any) -> bool:
    """Tell whether a data set surely gives BGR: files as mmcv reads them, not turned to RGB.

    Args:
        dataset: mmpretrain's, with a pipeline. Of any other, and of one with transforms that may
            do what is not known here, the answer is no.
    """
    transforms = getattr(getattr(dataset, 'pipeline', None), 'transforms', None)
    if not transforms or type(transforms[0]).__name__ != 'LoadImageFromFile':
        return False
    neutral = all(type(step).__name__ in _NEUTRAL for step in transforms[1:])
    return neutral and getattr(transforms[0], 'color_type', '') in _COLOURS


def warn_of_bgr(dataset: Any, name: str) -> None:
    """Warn where the images of a data set are BGR: those of a distillation are RGB throughout.

    Args:
        dataset: as of :func:`reads_bgr`.
        name: what it is for: val, test.
    """
    if reads_bgr(dataset):
        print_log(
            f'images of the {name} data set should be RGB, as synthetic ones are, but its pipeline '
            'gives BGR, as files are read: its figures are of swapped colours; put '
            'dict(type=NumpyToPIL, to_rgb=True), dict(type=PILToNumpy) after LoadImageFromFile. '
            'data_preprocessor has to_rgb=True where the networks take BGR, and only there',
            logger='current',
            level=logging.WARNING,
        )
