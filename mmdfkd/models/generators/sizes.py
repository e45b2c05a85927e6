"""Which images a generator can make, and from how small a map."""

from typing import Any

_LARGEST_FIRST_MAP = 8  # pixels of its shorter side; the map that the dense layer makes
_LONGEST_FIRST_MAP = 64  # beyond it, the dense layer would be most of a generator
_LARGEST_IMAGE = 1024  # pixels


def sides(image_size: Any) -> tuple[int, int]:
    """Return (height, width) of ``image_size``: the side of a square, or the two of them.

    Raises:
        ValueError: if it is neither.
    """
    two = image_size if isinstance(image_size, list | tuple) else (image_size, image_size)
    whole = [isinstance(side, int) and not isinstance(side, bool) for side in two]
    if len(two) != 2 or not all(whole):
        raise ValueError(
            f'image_size should be a whole number or (height, width), but got {image_size!r}'
        )
    return two[0], two[1]


def first_map_size(image_size: Any) -> tuple[int, int, int]:
    """Choose how often to double: (height and width of the first map, number of doublings).

    Both sides are halved at least twice, and further while they are even and the shorter is over
    8 pixels or the longer over 64: 28 -> (7, 7, 2), 32 -> (8, 8, 2), 224 -> (7, 7, 5),
    (32, 96) -> (8, 24, 2), (64, 1024) -> (4, 64, 4).

    Raises:
        ValueError: if a side is no multiple of 4 up to 1024, or is halved too rarely: where the
            longer is over 256, both should be multiples of 8, and over 512 of 16.
    """
    height, width = sides(image_size)
    fits = all(side % 4 == 0 and 0 < side <= _LARGEST_IMAGE for side in (height, width))
    down, across, doublings = height // 4, width // 4, 2
    while down % 2 == across % 2 == 0 and (
        min(down, across) > _LARGEST_FIRST_MAP or max(down, across) > _LONGEST_FIRST_MAP
    ):
        down, across, doublings = down // 2, across // 2, doublings + 1
    if not fits or max(down, across) > _LONGEST_FIRST_MAP:
        raise ValueError(
            f'image_size should be a multiple of 4 in (0, {_LARGEST_IMAGE}], or two of them, with '
            'a side over 256 multiples of 8, and with one over 512 of 16, but got '
            f'{image_size}; choose the nearest'
        )
    return down, across, doublings
