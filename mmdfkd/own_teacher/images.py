"""The images that a teacher takes, of what its library says and of what is given."""

from collections.abc import Sequence
from dataclasses import dataclass

from .libraries import Found


@dataclass
class Images:
    """What both networks take; fields as of :class:`~.libraries.Found`, and whether they are dark.

    Args:
        dark: whether most pixels are black, as those of digits; None if mean and std do not say.
    """

    channels: int
    size: int
    mean: list[float]
    std: list[float]
    swap: bool
    resize: float
    interpolation: str
    squash: bool
    dark: bool | None


def find_images(
    found: Found,
    size: int | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    dark: bool | None = None,
) -> Images:
    """Find out what a network takes; arguments as of :func:`~.pair.find_pair`.

    Raises:
        ValueError: if something is not known and not given, or does not fit.
    """
    same_size = size in (None, found.image_size)
    if found.swap:  # what is given is RGB; the network's own is BGR
        mean, std = (values and values[::-1] for values in (mean, std))
    size, mean, std = size or found.image_size, mean or found.mean, std or found.std
    for name, value in (('--image-size', size), ('--mean', mean), ('--std', std)):
        if value is None:
            raise ValueError(
                f'{name} should be given, as the network does not say it; mean and std are in '
                'pixels of 0 to 255, a value a channel'
            )
    assert size is not None
    assert mean is not None
    assert std is not None
    channels = len(mean) if found.library == 'own' else found.channels
    if channels not in (1, 3):
        raise ValueError(
            'images should have 3 channels (RGB) or 1 (grey), but the weights or --mean are of '
            f'{channels}; give a teacher of such images, and a value a channel'
        )
    for name, values in (('--mean', mean), ('--std', std)):
        if len(values) != channels:
            raise ValueError(
                f'{name} should have a value for each of the {channels} channels that the weights '
                f'are for, but got {[*values]}'
            )
    return Images(
        channels=channels,
        size=size,
        mean=[round(float(value), 4) for value in mean],
        std=[round(float(value), 4) for value in std],
        swap=found.swap and channels == 3,
        resize=found.resize if same_size else 1.0,
        interpolation=found.interpolation,
        squash=found.squash,
        dark=_is_dark(mean, std) if dark is None else dark,
    )


def _is_dark(mean: Sequence[float], std: Sequence[float]) -> bool | None:
    """Tell whether most pixels are black: then std is over the mean, as of digits.

    Colour images rarely are. Grey ones may be, and values that only map pixels to [0, 1] or
    [-1, 1] do not say.
    """
    says_nothing = sum(mean) == 0 or list(mean) == list(std)
    if says_nothing:
        return None if len(mean) == 1 else False
    return sum(std) > sum(mean)
