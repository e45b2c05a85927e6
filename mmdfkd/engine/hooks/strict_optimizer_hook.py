"""A run that goes on has the optimisers that its config names."""

import logging
from typing import Any

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.config_tools.dumped_config import flatten, parse_config
from mmdfkd.models.memories import LabelledMemory
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS

from .strict_schedule_hook import by_name

#: Of a group: what it is of, what schedules move, and how it is computed.
_LEFT_OUT = ('params', 'param_names', 'lr', 'foreach', 'fused', 'capturable', 'differentiable')
#: Entries of a config that change what is trained.
_TRAINS = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'default_hooks',
    'custom_hooks',
    'model_wrapper_cfg',
    'sync_bn',
)
#: Hooks that look on.
_LOOK_ON = ('timer', 'logger', 'checkpoint', 'synthetic_grid', 'summary', 'visualization')
#: In a checkpoint's meta: how many processes wrote it.
PROCESSES = 'processes'
_MOST = 10  # differences that are told


@HOOKS.register_module()
class StrictOptimizerHook(Hook):
    """Have a resumed run follow its config where MMEngine keeps the checkpoint's settings.

    A changed rate, momentum, weight decay and the like hold from here on, the rate on the same
    schedule. Another optimiser, method or seed is refused. Whatever else differs between the
    configs of the checkpoint and of the run, and the number of processes, is told in a warning.
    ``tools/train.py --resume`` registers it.

    Raises:
        ValueError: if the checkpoint is of another optimiser, method or seed, of other groups of
            weights, or has logits of other views.
    """

    priority = 'VERY_HIGH'  # before the checkpoint's settings are taken

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint's optimisers with the config's, and let the config's hold."""
        saved, own = _named(checkpoint.get('optimizer', {})), _named(runner.optim_wrapper)
        if set(saved) != set(own):
            raise ValueError(
                f'optim_wrapper should have the keys of the checkpoint, {sorted(saved)}, but got '
                f'{sorted(own)}; go on with the config that the run was begun with'
            )
        meta = checkpoint.get('meta', {})
        _check_same_seed(meta.get('seed'), runner)
        before = parse_config(str(meta.get('cfg', '')))
        now = parse_config(runner.cfg.pretty_text)
        _check_same_method(before, now)
        _check_same_views(before, now, unwrap(runner.model))
        schedules = by_name(checkpoint.get('param_schedulers'))
        changes: list[str] = []
        for name, wrapper in own.items():
            state = saved[name]
            groups = [*state['param_groups'], *filter(None, [state.get('base_param_settings')])]
            if len(groups) != len(wrapper.param_groups):
                raise ValueError(
                    f'{_told(name)} should have {len(groups)} groups of weights, as in the '
                    f'checkpoint, but got {len(wrapper.param_groups)}; go on with its paramwise_cfg'
                )
            _check_same_kind(_told(name), groups[0], wrapper, _kind_in(before, name))
            of_rates = [s for s in schedules.get(name, []) if s.get('param_name') == 'lr']
            for index, (group, wanted) in enumerate(zip(groups, wrapper.param_groups, strict=True)):
                _check_scheduled(_told(name), group, wanted)
                told = _follow(group, wanted, index, of_rates)
                changes += [f'{_told(name)}.optimizer.{change}' for change in told]
        changes = list(dict.fromkeys(changes))
        changes += _differences(before, now) if before else []
        processes = meta.get(PROCESSES, get_world_size())
        if processes != get_world_size():
            changes.append(f'the number of processes {get_world_size()} rather than {processes}')
        if changes:
            more = f' and {len(changes) - _MOST} more' if len(changes) > _MOST else ''
            runner.logger.log(
                logging.WARNING,
                'the run goes on with other settings than its checkpoint was made with: '
                + ', '.join(changes[:_MOST])
                + more,
            )


def _named(wrappers: Any) -> dict[str, Any]:
    """Give a single optimiser a name, too."""
    single = 'param_groups' in wrappers if isinstance(wrappers, dict) else None
    if single is None:
        single = hasattr(wrappers, 'optimizer')
    return {'': wrappers} if single else dict(wrappers.items())


def _told(name: str) -> str:
    return f'optim_wrapper.{name}' if name else 'optim_wrapper'


def _check_same_seed(saved: Any, runner: Runner) -> None:
    own = runner._randomness_cfg.get('seed')
    if None not in (saved, own) and saved != own:
        raise ValueError(
            f'randomness.seed should be that of the checkpoint, {saved}, but got {own}; go on with '
            'it (--cfg-options randomness.seed=...), or begin a new run'
        )


def _last_word(config: Any) -> str:
    """Return the class that a config names, wherever that is imported from."""
    kind = config.get('type') if isinstance(config, dict) else None
    return kind.rpartition('.')[2] if isinstance(kind, str) else ''


def _check_same_method(before: dict, now: dict) -> None:
    saved, own = _last_word(before.get('model')), _last_word(now.get('model'))
    if saved and own and saved != own:
        raise ValueError(
            f'model should be of the method of the checkpoint, {saved}, but got {own}; give the '
            'config that the run has in its work dir, or begin a new run'
        )


def _check_same_views(before: dict, now: dict, model: Any) -> None:
    """Refuse other views than those whose logits a memory has: they would be of other images."""
    if not isinstance(getattr(model, 'memory', None), LabelledMemory):
        return
    for name in ('augment', 'data_preprocessor'):
        saved, own = ((tree.get('model') or {}).get(name) for tree in (before, now))
        if saved is not None and _by_class(saved) != _by_class(own):
            raise ValueError(
                f'model.{name} should be that of the checkpoint, {saved}, as the memory keeps the '
                f'teacher’s logits of such views, but got {own}; go on with it, or begin a new run'
            )


def _by_class(part: Any) -> dict[str, Any]:
    """Return the settings of a part's config, its types without where they are imported from."""
    return {
        key: value.rpartition('.')[2] if key.endswith('type') and isinstance(value, str) else value
        for key, value in flatten(part).items()
    }


def _kind_in(before: dict, name: str) -> str:
    wrapper: Any = before.get('optim_wrapper')
    if name and isinstance(wrapper, dict):
        wrapper = wrapper.get(name)
    return _last_word(wrapper.get('optimizer')) if isinstance(wrapper, dict) else ''


def _check_same_kind(name: str, saved: dict, wrapper: Any, kind_saved: str) -> None:
    own, kind = wrapper.param_groups[0], type(wrapper.optimizer).__name__
    if kind_saved and kind_saved != kind:
        raise ValueError(
            f'{name} should have the optimizer of the checkpoint, {kind_saved}, but got {kind}; go '
            'on with that one, or begin a new run (load_from takes its weights)'
        )
    only = [
        key
        for key in set(saved) ^ set(own)
        # What one version of torch has and the other has not is off by default, but AdamW's mark.
        if key not in _LEFT_OUT
        and 'initial_' not in key
        and (saved | own)[key]
        and not (kind_saved and key == 'decoupled_weight_decay')
    ]
    if only:
        raise ValueError(
            f'{name} should have the optimizer of the checkpoint, with '
            f'{_settings(saved)}, but got {kind} with {_settings(own)}; go on with that one, or '
            'begin a new run (load_from takes its weights)'
        )


def _settings(group: dict) -> list[str]:
    return sorted(key for key in group if key not in _LEFT_OUT and 'initial_' not in key)


def _follow(saved: dict, own: dict, index: int, schedules: list[dict]) -> list[str]:
    """Write the config's settings into a saved group; returns what has changed."""
    changes = []
    for key in saved.keys() & own.keys():
        if key in _LEFT_OUT or 'initial_' in key or f'initial_{key}' in saved:
            continue
        if saved[key] != own[key]:
            changes.append(f'{key} {own[key]} rather than {saved[key]}')
            saved[key] = own[key]
    before, now = (group.get('initial_lr', group['lr']) for group in (saved, own))
    if before == now:
        return changes
    changes.append(f'lr {now} rather than {before}')
    floor = next((s['eta_min'] for s in reversed(schedules) if s.get('eta_min')), 0.0)

    def moved(value: float) -> float:
        if before == floor:
            return now
        return floor + (value - floor) * (now - floor) / (before - floor)

    saved['lr'] = moved(saved['lr'])
    if 'initial_lr' in saved:
        saved['initial_lr'] = now
    for schedule in schedules:
        schedule['base_values'] = _replaced(schedule['base_values'], index, now)
        last = schedule['_last_value']
        schedule['_last_value'] = _replaced(last, index, moved(last[index]))
    return changes


def _check_scheduled(name: str, saved: dict, own: dict) -> None:
    # A changed rate is followed; no other setting is, where a schedule moves it.
    for initial in {key for key in saved if key.startswith('initial_')} - {'initial_lr'}:
        key = initial.removeprefix('initial_')
        before, now = saved[initial], own.get(initial, own.get(key))
        if before != now:
            raise ValueError(
                f'{name}.optimizer.{key} should be {before}, as in the checkpoint, where a '
                f'schedule moves it, but got {now}; go on with that one, or begin a new run'
            )


def _replaced(values: list, index: int, value: float) -> list:
    return [value if place == index else other for place, other in enumerate(values)]


def _differences(before: dict, now: dict) -> list[str]:
    old, new = (
        flatten({key: tree.get(key) for key in _TRAINS if tree.get(key) is not None})
        for tree in (before, now)
    )
    return [
        f'{key} {new.get(key)} rather than {old.get(key)}'
        for key in old | new
        if old.get(key) != new.get(key) and not _is_told_or_idle(key)
    ]


def _is_told_or_idle(key: str) -> bool:
    first, *rest = key.split('.')
    if first == 'optim_wrapper':  # an optimiser's settings are told as they are followed
        return 'optimizer' in rest[:2]
    return first == 'default_hooks' and rest[:1] != [] and rest[0] in _LOOK_ON
