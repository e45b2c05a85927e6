"""Stops a run whose losses are no longer numbers, before it saves them."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Raise as soon as a logged value is NaN or infinite.

    It acts before the checkpoint hook, which does not save weights that would fail in the
    next round: the last checkpoint on disk is from before the failure. The logger reads the
    values each iteration anyway: the check costs no further wait for the device.
    """

    priority = 'ABOVE_NORMAL'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Check the outputs of ``train_step``.

        Raises:
            FloatingPointError: naming the values that are not finite.
        """
        outputs = outputs or {}
        bad = [name for name, value in outputs.items() if not torch.isfinite(value)]
        if bad:
            saved = runner.message_hub.runtime_info.get('last_ckpt', 'none saved yet')
            raise FloatingPointError(
                f'every loss should be finite, but in iteration {runner.iter + 1} got '
                + ', '.join(f'{name} = {float(outputs[name])}' for name in bad)
                + f'; nothing of it was saved (last checkpoint: {saved}). Lower the learning '
                'rate or that loss’s weight, or clip gradients (optim_wrapper.*.clip_grad), '
                'then go on with --resume'
            )
