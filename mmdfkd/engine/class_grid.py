"""A picture of images by class: a row a class, with its name."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

#: Where a run leaves the names, in the folder of a session.
CLASS_NAMES = 'class_names.json'
_LEAST, _MOST = 32, 96  # pixels of a side: smaller images are enlarged, larger ones reduced
_PADDING = 2
_LONGEST = 20  # letters of a name
_FONT = Path(get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'
_BACK, _INK = (40, 44, 52), (236, 238, 240)  # seen on a white page and on a black one


def class_grid(
    images: Tensor, labels: Tensor, classes: Sequence[int], names: Sequence[str], columns: int
) -> np.ndarray:
    """Lay images out by class.

    Args:
        images: (N, 1 or 3, H, W), pixels in [0, 255].
        labels: (N,), the class of each.
        classes: of the rows; a class that has no image has an empty row.
        names: of all classes.
        columns: images in a row; more of a class are left out.

    Returns:
        A picture (height, width, 3) uint8, RGB.
    """
    cells = _scaled(images).expand(-1, 3, -1, -1).permute(0, 2, 3, 1)
    height, width = (side + _PADDING for side in cells.shape[1:3])
    font = ImageFont.truetype(_FONT, min(18, 9 + height // 12))
    shown = [_short(names[number]) for number in classes]
    left = math.ceil(max(map(font.getlength, shown))) + 10
    size = (left + columns * width + _PADDING, len(shown) * height + _PADDING)
    picture = Image.new('RGB', size, _BACK)
    draw = ImageDraw.Draw(picture)
    pixels = cells.round().clamp(0, 255).byte().cpu().numpy()
    for row, (number, name) in enumerate(zip(classes, shown, strict=True)):
        top = row * height + _PADDING
        draw.text((left - 5, top + height // 2), name, _INK, font, anchor='rm')
        for column, index in enumerate((labels == number).nonzero().flatten()[:columns].tolist()):
            place = (left + column * width + _PADDING, top)
            picture.paste(Image.fromarray(pixels[index]), place)
    return np.array(picture)


def _scaled(images: Tensor) -> Tensor:
    """Bring the longer side into the limits; small pixels are repeated, not blurred."""
    images = images.detach().float()
    side = max(images.shape[2:])
    if side < _LEAST:
        return F.interpolate(images, scale_factor=math.ceil(_LEAST / side), mode='nearest')
    if side > _MOST:
        return F.interpolate(images, scale_factor=_MOST / side, mode='area')
    return images


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f'{name[: _LONGEST - 1]}…'
