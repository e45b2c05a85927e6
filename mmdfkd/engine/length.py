"""Another length of a distillation, which its warm-up and its schedules follow."""

import math
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Any

from mmengine.config import Config

from mmdfkd.checks import check_not_negative, check_positive

_LEAST_RAMP = 2  # rounds: of one alone LinearLR would leave the rate where it starts


def waiting(warmup: int, rounds: int) -> int:
    """Return how many rounds a student waits in a run of ``rounds``: half of them at most.

    What the student needs is a memory of so many images before it begins, and not a share of the
    run: WRN-16-1 had 42.9 % after 62 rounds of which it waited for 7, 61.0 % where it waited for
    31 (docs/results/history.md).
    """
    return min(warmup, rounds // 2)


def rounds_within(seconds: float, warmup: int, wait: float, train: float) -> int:
    """Return how many rounds fill the seconds.

    Args:
        seconds: to fill.
        warmup: rounds in which the student waits, in a run of any length.
        wait: seconds of such a round.
        train: seconds of a round with the student's steps.
    """
    rounds = warmup + (seconds - warmup * wait) / train
    return round(rounds if rounds >= 2 * warmup else 2 * seconds / (wait + train))


def set_length(cfg: Config, rounds: int) -> None:
    """Make a distillation last ``rounds``; what is a share of the run stays that share.

    That is the begin and end of schedules, their milestones and steps, where averages and
    validations begin, where their interval changes, and Fast-Datafree's ``layer_restart``; the
    student waits as :func:`waiting` says, and what comes after is a share of the rest. New
    generators and ``CosinePeriodLR`` come every so many rounds, however long the run is.

    Raises:
        ValueError: if the config's own length, or a time in it, is no number of rounds.
    """
    length = cfg.train_cfg.max_iters
    warmup = cfg.model.get('warmup_rounds', 0)
    check_positive(**{'train_cfg.max_iters': length})
    check_not_negative(**{'model.warmup_rounds': warmup})
    waits = waiting(warmup, rounds)

    def share(name: str, time: Any) -> int:
        check_not_negative(**{name: time})
        if time <= warmup:
            return time * waits // max(1, warmup)
        return waits + (time - warmup) * (rounds - waits) // max(1, length - warmup)

    if warmup:
        cfg.model.warmup_rounds = waits
    if cfg.model.get('layer_restart') is not None:
        cfg.model.layer_restart = share('model.layer_restart', cfg.model.layer_restart)
    for name, schedule in parts(cfg.get('param_scheduler') or {}, 'param_scheduler'):
        _stretch(name, schedule, length, share)
    for hooks in ('default_hooks', 'custom_hooks'):
        for name, hook in parts(cfg.get(hooks) or [], hooks):
            if 'begin_iter' in hook:  # of an average of weights
                hook['begin_iter'] = share(f'{name}.begin_iter', hook['begin_iter'])
    if 'val_begin' in cfg.train_cfg:
        cfg.train_cfg.val_begin = share('train_cfg.val_begin', cfg.train_cfg.val_begin)
    if cfg.train_cfg.get('dynamic_intervals'):
        cfg.train_cfg.dynamic_intervals = [
            (share(f'train_cfg.dynamic_intervals.{i}.0', begin), interval)
            for i, (begin, interval) in enumerate(cfg.train_cfg.dynamic_intervals)
        ]
    cfg.train_cfg.max_iters = rounds


def _stretch(name: str, schedule: dict, length: int, share: Callable[[str, Any], int]) -> None:
    """Stretch a schedule, whose milestones and spans MMEngine counts from its begin."""
    begin = schedule.get('begin') or 0
    check_not_negative(**{f'{name}.begin': begin})
    begins = share(f'{name}.begin', begin)

    def since_begin(key: str, time: Any) -> int:
        check_not_negative(**{f'{name}.{key}': time})
        return share(f'{name}.{key}', begin + time) - begins

    for key in ('T_max', 'total_steps'):
        if schedule.get(key) is not None:
            schedule[key] = max(1, since_begin(key, schedule[key]))
    if schedule.get('milestones'):
        times = enumerate(schedule['milestones'])
        schedule['milestones'] = [since_begin(f'milestones.{i}', time) for i, time in times]
    if schedule.get('periods'):
        check_positive(**{f'{name}.periods.{i}': p for i, p in enumerate(schedule['periods'])})
        ends = [since_begin('periods', end) for end in accumulate(schedule['periods'])]
        schedule['periods'] = [max(1, b - a) for a, b in pairwise([0, *ends])]
    end = schedule.get('end')
    if schedule.get('step_size') is not None:
        check_positive(**{f'{name}.step_size': schedule['step_size']})
        last = length if end in (None, math.inf) else end
        span = max(1, last - begin)  # one that begins after the run never steps
        share_of_it = since_begin('end', span) / span
        schedule['step_size'] = max(1, round(schedule['step_size'] * share_of_it))
    if begin:
        schedule['begin'] = begins
    if end not in (None, math.inf):
        schedule['end'] = max(share(f'{name}.end', end), begins + _LEAST_RAMP)


def parts(tree: Any, name: str) -> Iterator[tuple[str, dict]]:
    """Yield the schedules or hooks of nested dicts and lists, each with its dotted name."""
    if isinstance(tree, dict) and 'type' in tree:
        yield name, tree
    elif isinstance(tree, dict | list | tuple):
        for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from parts(item, f'{name}.{key}')
