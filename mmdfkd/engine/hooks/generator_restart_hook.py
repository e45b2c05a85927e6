"""Starts the generator anew from time to time, so that it does not drift."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class GeneratorRestartHook(Hook):
    """Give the generator new weights and its optimiser no memory, every ``interval`` rounds.

    NAYER's re-initialisation (Tran et al., CVPR 2024). A generator that chases the student
    for long ends at images that are hard and little else; a new one begins at easy
    images and goes another way. Let the generator's schedule restart with it
    (``CosineRestartLR``).

    Args:
        interval: rounds between restarts.
    """

    priority = 'HIGH'  # after IterationSeedHook, so that a resumed run draws the same weights

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Restart, if the round is a multiple of the interval."""
        if runner.iter and runner.iter % self.interval == 0:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            model.restart_generator()
            runner.optim_wrapper['generator'].optimizer.state.clear()
