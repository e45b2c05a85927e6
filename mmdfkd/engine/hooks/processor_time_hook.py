"""The processor time of a round, which other programs on the machine do not lengthen."""

import time

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class ProcessorTimeHook(Hook):
    """Log ``processor_time``: seconds of processor time of this process's iteration, all threads.

    On a CPU, and a machine that others share, it says what a method costs where the wall-clock
    ``time`` says how busy the machine was. A GPU's work is not in it.
    """

    priority = 'NORMAL'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Note the time at the start."""
        self._start = time.process_time()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Log what has passed since."""
        seconds = time.process_time() - self._start
        runner.message_hub.update_scalar('train/processor_time', seconds)
