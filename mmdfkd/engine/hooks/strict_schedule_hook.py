"""No run goes on with the schedules of another length."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

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
        ValueError: if a scheduler is missing, or has another setting.
    """

    priority = 'VERY_HIGH'  # before the checkpoint's settings are taken

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint's settings with the config's."""
        saved, own = by_name(checkpoint.get('param_schedulers')), by_name(runner.param_schedulers)
        for name in own:
            before = [_settings(state) for state in saved.get(name, [])]
            now = [_settings(scheduler.state_dict()) for scheduler in own[name]]
            if len(before) != len(now) or any(
                a[key] != b[key] for a, b in zip(before, now, strict=True) for key in a.keys() & b
            ):
                raise ValueError(
                    f'{name or "param_scheduler"} should have the schedules of the checkpoint, '
                    f'{before}, but got {now}; resume with the length and the schedules that the '
                    'run was begun with, or begin a new run'
                )


def by_name(schedulers: Any) -> dict[str, list]:
    """Give the schedulers of a single optimiser a name, too."""
    return schedulers if isinstance(schedulers, dict) else {'': schedulers or []}


def _settings(state: dict) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in PROGRESS}
