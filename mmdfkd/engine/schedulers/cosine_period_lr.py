"""A cosine that begins anew at fixed times, however long the run is."""

import math
from functools import lru_cache
from typing import Any

from mmengine.optim import _ParamScheduler

from mmdfkd.checks import check_positive, check_range
from mmdfkd.registry import PARAM_SCHEDULERS


@lru_cache(maxsize=64)
def cosine_period(base: float, period: int, eta_min_ratio: float) -> tuple[float, ...]:
    """Return the ``period`` values from ``base`` down to nearly ``base * eta_min_ratio``.

    Half a cosine, by the recursion of MMEngine's ``CosineRestartLR``: its values, to the bit.
    """
    low, values = base * eta_min_ratio, [base]
    for step in range(1, period):
        now, before = (1 + math.cos(math.pi * at / period) for at in (step, step - 1))
        values.append(now / before * (values[-1] - low) + low)
    return tuple(values)


@PARAM_SCHEDULERS.register_module()
class CosinePeriodLR(_ParamScheduler):
    """Let the learning rate fall as half a cosine in every ``period``, from its base anew.

    It depends on the round alone. The last period, where the run cuts it off, follows the same
    curve, and so a run may be resumed with another length.

    Args:
        optimizer: whose learning rate it is.
        period: rounds (epochs, of a scheduler ``by_epoch``) from a start to the next.
        eta_min_ratio: what the rate falls to, as a share of its base.
        **options: ``begin``, ``end``, ``by_epoch`` and the others of any MMEngine scheduler.

    Raises:
        ValueError: if ``period`` is not positive.
    """

    def __init__(
        self, optimizer: Any, period: int, eta_min_ratio: float = 0.0, **options: Any
    ) -> None:
        check_positive(period=period)
        check_range('[0, 1]', eta_min_ratio=eta_min_ratio)
        self.period = period
        self.eta_min_ratio = eta_min_ratio
        super().__init__(optimizer, 'lr', **options)

    def _get_value(self) -> list[float]:
        step = self.last_step % self.period
        return [cosine_period(b, self.period, self.eta_min_ratio)[step] for b in self.base_values]

    def state_dict(self) -> dict:
        """Return what a resumed run needs: not the length of this one."""
        return {key: value for key, value in super().state_dict().items() if key != 'end'}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from a checkpoint, in a run of any length.

        Raises:
            ValueError: if the checkpoint's period is another one.
        """
        if state_dict.get('period') != self.period:
            raise ValueError(
                f'period of CosinePeriodLR should be {state_dict.get("period")} as in the '
                f'checkpoint, but got {self.period}; resume with that period, or start anew'
            )
        super().load_state_dict(state_dict)
        if self.begin <= self._global_step < self.end:  # perhaps after the end of the former run
            self.last_step = self._global_step - self.begin
            for group, value in zip(self.optimizer.param_groups, self._get_value(), strict=True):
                group['lr'] = value
