"""torch.compile where it pays."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile the student's pass with its loss, forwards and backwards.

    With a labelled memory that is nearly all of a student step. MMEngine's ``compile=True``
    would trace all of ``train_step``, which changes modules and optimisers as it goes.
    Results change by rounding only; a run that is resumed compiles again.

    Args:
        **options: of ``torch.compile``.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def before_train(self, runner: Runner) -> None:
        """Put the compiled function in the distiller's ``student_losses`` place."""
        model = unwrap(runner.model)
        model.student_losses = torch.compile(model.student_losses, **self.options)
        runner.logger.info('the student is compiled in the first rounds, which are slow')
