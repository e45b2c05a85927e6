"""The one place where numbers that a user gives are checked."""

import math
import re
from numbers import Real


def check_range(interval: str, **numbers: object) -> None:
    """Raise a ValueError naming the first of ``numbers`` that is not in ``interval``.

    Args:
        interval: as one writes it, ``'[0, 1)'`` or ``'[0, inf)'``; NaN is in none.
        **numbers: by the names of the arguments.

    Examples:
        >>> check_range('[0, inf)', loss_weight=0.5)
    """
    found = re.fullmatch(r'([\[(])(.+), (.+)([\])])', interval)
    assert found is not None, interval
    low, high = float(found[2]), float(found[3])
    for name, number in numbers.items():
        fits = isinstance(number, Real) and not isinstance(number, bool)
        value = float(number) if fits else math.nan  # type: ignore[arg-type]
        above = low < value or (found[1] == '[' and low == value)
        below = value < high or (found[4] == ']' and high == value)
        if not (above and below):
            raise ValueError(f'{name} should be in {interval}, but got {number!r}')


def check_growing(interval: str, **pairs: object) -> None:
    """Raise a ValueError naming the first of ``pairs`` that is no two growing numbers in there."""
    for name, pair in pairs.items():
        two = pair if isinstance(pair, list | tuple) else ()
        try:
            check_range(
                interval, **{f'{name}[{index}]': number for index, number in enumerate(two)}
            )
            fits = len(two) == 2 and two[0] <= two[1]
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f'{name} should be two growing numbers in {interval}, but got {pair!r}'
            )


def check_below(side: int, **lengths: float) -> None:
    """Raise a ValueError naming the first of ``lengths`` in pixels that is not below ``side``."""
    for name, length in lengths.items():
        if length >= side:
            raise ValueError(
                f'{name} should be below the images’ shorter side, {side} pixels, but got {length}'
            )


def check_positive(**numbers: object) -> None:
    """Raise a ValueError naming the first of ``numbers`` that is not a whole number over 0."""
    for name, number in numbers.items():
        if not _is_whole(number) or number < 1:  # type: ignore[operator]
            raise ValueError(f'{name} should be a whole number over 0, but got {number!r}')


def check_not_negative(**numbers: object) -> None:
    """Raise a ValueError naming the first of ``numbers`` that is not a whole number from 0 on."""
    for name, number in numbers.items():
        if not _is_whole(number) or number < 0:  # type: ignore[operator]
            raise ValueError(f'{name} should be a whole number from 0 on, but got {number!r}')


def check_switch(**switches: object) -> None:
    """Raise a ValueError naming the first of ``switches`` that is neither True nor False."""
    for name, switch in switches.items():
        if not isinstance(switch, bool):
            raise ValueError(f'{name} should be True or False, but got {switch!r}')


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
