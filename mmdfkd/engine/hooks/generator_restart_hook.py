"""Starts the generator anew from time to time, so that it does not drift."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.checks import check_positive
from mmdfkd.engine.schedulers import CosinePeriodLR
from mmdfkd.models.distillers import GenerativeDistiller
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class GeneratorRestartHook(Hook):
    """Give the generator new weights and its optimiser no memory, every ``interval`` rounds.

    The public code of NAYER (Tran et al., CVPR 2024) builds a new generator every few
    epochs. Here it is against drift: a generator that follows the student for long makes
    hard images and little else; a new one begins at easy images and goes another way.
    The generator's learning rate should restart with it, by ``CosinePeriodLR``. Memory
    of other parameters of that optimiser (a metric loss with proxies) goes, too.

    Args:
        interval: rounds between restarts.
        layer: name of the generator's part that is drawn anew, or all of it by default. Its
            first layer alone, every round, is NAYER's noisy layer: the images change, and the
            others need not learn to draw again.

    Raises:
        ValueError: if ``interval`` is not positive.
    """

    priority = 'HIGH'  # after IterationSeedHook, so that a resumed run draws the same weights

    def __init__(self, interval: int, layer: str = '') -> None:
        check_positive(interval=interval)
        self.interval = interval
        self.layer = layer

    def before_train(self, runner: Runner) -> None:
        """Check, before hours go by, that restarts can happen and the schedule fits.

        Raises:
            TypeError: if the method has no generator to restart, or no config to build it from.
            ValueError: if a ``CosinePeriodLR`` begins at other rounds than the generators, or there
                is no such layer.
        """
        model = unwrap(runner.model)
        if not isinstance(model, GenerativeDistiller):
            raise TypeError(
                'GeneratorRestartHook should be of a method whose generator is trained along, but '
                f'got {type(model).__name__}; leave the hook out'
            )
        model.check_restartable(self.layer)
        schedulers = runner.param_schedulers
        for scheduler in schedulers['generator'] if isinstance(schedulers, dict) else []:
            if not isinstance(scheduler, CosinePeriodLR):
                continue
            if scheduler.period != self.interval:
                raise ValueError(
                    f'period of the generator’s CosinePeriodLR should be {self.interval} as the '
                    f'interval of GeneratorRestartHook, but got {scheduler.period}; set both'
                )
            if scheduler.begin % self.interval:
                raise ValueError(
                    'begin of the generator’s CosinePeriodLR should be a multiple of '
                    f'{self.interval}, the interval of GeneratorRestartHook, but got '
                    f'{scheduler.begin}: the rate would not begin anew with the generator'
                )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Restart, if the round is a multiple of the interval."""
        if runner.iter and runner.iter % self.interval == 0:
            unwrap(runner.model).restart(runner.optim_wrapper, self.layer)
