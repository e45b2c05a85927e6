"""No run goes on with the schedules of another length."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmdfkd.registry import HOOKS

#: Of a scheduler's state, how far it is; the rest is how it was set.
PROGRESS = ('last_step', '_global_step', '_last_value', 'base_values', 'verbose')


@HOOKS.register_module()
class StrictScheduleHook(Hook):
    """Stop where MMEngine is silent: a resumed run whose schedules were set otherwise.

    MMEngine's schedulers take their settings from the checkpoint, and most of its rates come
    from the rate before: with another length a run would follow neither curve.
    ``CosinePeriodLR`` does not depend on the length. ``tools/train.py --resume`` registers it.

    Raises:
        ValueError: if a scheduler is missing or another, has another setting, or the run should
            end before the checkpoint's round.
    """

    priority = 'VERY_HIGH'  # before the checkpoint's settings are taken

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint's settings with the config's."""
        _check_length(runner, checkpoint)
        saved, own = by_name(checkpoint.get('param_schedulers')), by_name(runner.param_schedulers)
        for name in sorted(saved.keys() | own.keys()):
            before = [_settings(state) for state in saved.get(name, [])]
            now = [_settings(scheduler.state_dict()) for scheduler in own.get(name, [])]
            if before != now:
                raise ValueError(
                    f'{name or "param_scheduler"} should have the schedules of the checkpoint, '
                    f'{before}, but got {now}; resume with the length and the schedules that the '
                    'run was begun with, or begin a new run'
                )


def _check_length(runner: Runner, checkpoint: dict) -> None:
    """Refuse to go on past the end; at the end there is nothing to do, which is told."""
    meta, loop = checkpoint.get('meta', {}), runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    unit = 'epoch' if by_epoch else 'iter'
    done, length = meta.get(unit, 0), loop.max_epochs if by_epoch else loop.max_iters
    if done > length:
        raise ValueError(
            f'train_cfg.max_{unit}s (--rounds) should be at least the {done} that the checkpoint '
            f'has done, but got {length}; resume with the length that the run was begun with'
        )
    if done == length:
        runner.logger.warning(f'the run is over: its checkpoint has done all {done} {unit}s')


def by_name(schedulers: Any) -> dict[str, list]:
    """Give the schedulers of a single optimiser a name, too."""
    return schedulers if isinstance(schedulers, dict) else {'': schedulers or []}


def _settings(state: dict) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in PROGRESS}
