"""Another length of a distillation, which its warm-up and its schedules follow."""

import math
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmdfkd.checks import check_not_negative, check_positive

_LEAST_RAMP = 2  # rounds: of one alone LinearLR would leave the rate where it starts


def set_length(cfg: Config, rounds: int) -> None:
    """Make a distillation last ``rounds``; what is a share of the run stays that share.

    That is the warm-up, the begin and end of schedules, and their milestones. New generators and
    ``CosinePeriodLR`` come every so many rounds, however long the run is.

    Raises:
        ValueError: if the config's own length, or a time in it, is no number of rounds.
    """
    length = cfg.train_cfg.max_iters
    check_positive(**{'train_cfg.max_iters': length})

    def share(name: str, time: Any) -> int:
        check_not_negative(**{name: time})
        return time * rounds // length

    if cfg.model.get('warmup_rounds'):
        cfg.model.warmup_rounds = share('model.warmup_rounds', cfg.model.warmup_rounds)
    for name, schedule in parts(cfg.get('param_scheduler') or {}, 'param_scheduler'):
        if schedule.get('begin'):
            schedule['begin'] = share(f'{name}.begin', schedule['begin'])
        if schedule.get('end') not in (None, math.inf):
            end = share(f'{name}.end', schedule['end'])
            schedule['end'] = max(end, schedule.get('begin', 0) + _LEAST_RAMP)
        if schedule.get('milestones'):
            times = enumerate(schedule['milestones'])
            schedule['milestones'] = [share(f'{name}.milestones.{i}', time) for i, time in times]
    cfg.train_cfg.max_iters = rounds


def parts(tree: Any, name: str) -> Iterator[tuple[str, dict]]:
    """Yield the schedules or hooks of nested dicts and lists, each with its dotted name."""
    if isinstance(tree, dict) and 'type' in tree:
        yield name, tree
    elif isinstance(tree, dict | list | tuple):
        for key, item in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from parts(item, f'{name}.{key}')
