"""Whether the schedules of a config move the rates that they are meant to move."""

import logging
from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import PARAM_SCHEDULERS

from mmdfkd.checks import check_not_negative, check_positive, check_range

from .cosine_period_lr import CosinePeriodLR

_RANGES = {
    'eta_min': '[0, inf)',
    'eta_min_ratio': '[0, 1]',
    'gamma': '(0, inf)',
    'power': '(0, inf)',
}


def check_schedules(
    schedules: Any, rates: dict[str, float | None], length: int, by_epoch: bool
) -> None:
    """Raise a ValueError naming the first schedule that cannot be right; warn of odd ends.

    MMEngine takes them in silence: a schedule by epochs never steps in a run by iterations, and
    one of an unknown optimiser is left out.

    Args:
        schedules: the config's ``param_scheduler``: of one optimiser or, by key, of several.
        rates: learning rates by the optimisers' keys; the key is '' where there is one.
        length: rounds, or epochs, of the run.
        by_epoch: whether the run is counted in epochs.
    """
    by_key = schedules if isinstance(schedules, dict) and 'type' not in schedules else None
    if by_key is not None and set(by_key) != set(rates):
        raise ValueError(
            f'param_scheduler should have the keys of optim_wrapper, {sorted(rates)}, but got '
            f'{sorted(by_key)}; give [] for a constant rate'
        )
    for key, rate in rates.items():
        own = by_key[key] if by_key is not None else schedules
        several = own if isinstance(own, list | tuple) else [own] if own else []
        name = f'param_scheduler.{key}' if by_key is not None else 'param_scheduler'
        for index, schedule in enumerate(several):
            told = f'{name}.{index}' if own is several else name
            _check(told, schedule, rate, length, by_epoch)
        _check_alone(name, several, length)


def _check(name: str, schedule: Any, rate: float | None, length: int, by_epoch: bool) -> None:
    if not isinstance(schedule, dict) or 'type' not in schedule:
        raise ValueError(f'{name} should be a dict with a type, but got {schedule!r}; give one')
    own = schedule.get('by_epoch', True)  # MMEngine's default
    if own and not by_epoch and not schedule.get('convert_to_iter_based'):
        raise ValueError(
            f'{name} should have by_epoch=False, as the run is counted in rounds, but got '
            f'{schedule.get("by_epoch", "none, which is True")}: it would never step; set it'
        )
    check_not_negative(**{f'{name}.begin': schedule.get('begin', 0)})
    for number in ('end', 'T_max', 'period', 'step_size'):
        if schedule.get(number) not in (None, float('inf')):
            check_positive(**{f'{name}.{number}': schedule[number]})
    for number, interval in _RANGES.items():
        if schedule.get(number) is not None:
            check_range(interval, **{f'{name}.{number}': schedule[number]})
    least = schedule.get('eta_min')
    if least and rate and least > rate:
        raise ValueError(
            f'{name}.eta_min should be at most the learning rate {rate}, but got {least}; lower it'
        )
    _warn_of_end(name, schedule, length if bool(own) == by_epoch else None)


def _check_alone(name: str, schedules: Sequence[dict], length: int) -> None:
    """Raise a ValueError if another schedule moves a rate that a ``CosinePeriodLR`` sets.

    Schedules of MMEngine multiply the rate that is there; that one sets it.
    """
    spans = [(one.get('begin', 0), min(one.get('end', length), length)) for one in schedules]
    for index, schedule in enumerate(schedules):
        kind = schedule['type']
        if (PARAM_SCHEDULERS.get(kind) if isinstance(kind, str) else kind) is not CosinePeriodLR:
            continue
        begin, end = spans[index]
        for other, (first, last) in enumerate(spans):
            if other != index and first < end and begin < last:
                raise ValueError(
                    f'{name}.{index}, a CosinePeriodLR, should be alone between its begin and end, '
                    f'but {name}.{other} moves the same rate there; let it begin at {last}, or the '
                    f'other end at {begin}'
                )


def _warn_of_end(name: str, schedule: dict, length: int | None) -> None:
    half, end = schedule.get('T_max'), schedule.get('end', length)
    if half is None or end is None or half == end - schedule.get('begin', 0):
        return
    print_log(
        f'{name}.T_max should be the length of the schedule, {end - schedule.get("begin", 0)}, but '
        f'got {half}: the rate does not end at its lowest; leave T_max out',
        logger='current',
        level=logging.WARNING,
    )
