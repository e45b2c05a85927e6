"""Moving averages of what a distiller trains, and of nothing else."""

import copy

import torch
from mmengine.hooks import EMAHook
from mmengine.model import StochasticWeightAverage
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS, MODELS


@HOOKS.register_module()
class DistillerEMAHook(EMAHook):
    """MMEngine's ``EMAHook`` for a distiller: it averages what its optimisers update.

    MMEngine's own copies the teacher and the memory, too, each round and into each checkpoint,
    and averages a generator with the one before it. Here the average begins anew with each
    generator, or part of one: of a :class:`GeneratorRestartHook`, or of the method's own.

    Args:
        **kwargs: of MMEngine's ``EMAHook``. A ``StochasticWeightAverage`` is of all rounds alike,
            and refused where the generator is restarted.
    """

    def before_run(self, runner: Runner) -> None:
        """Copy the trained parts."""
        model = unwrap(runner.model)
        names = [name for children in model.optimised.values() for name in children]
        parts = {name: getattr(model, name) for name in names}
        self.src_model = nn.ModuleDict({k: part for k, part in parts.items() if part is not None})
        self.ema_model = MODELS.build(self.ema_cfg, default_args=dict(model=self.src_model))
        self._restarts = model.num_restarts

    @torch.no_grad()
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Update the averages; of a new generator they are the generator itself."""
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        restarts = unwrap(runner.model).num_restarts
        if restarts > self._restarts and 'generator' in self.src_model:
            self._begin_anew(self.ema_model.module['generator'], self.src_model['generator'])
        self._restarts = restarts

    def _begin_anew(self, average: nn.Module, live: nn.Module) -> None:
        if isinstance(self.ema_model, StochasticWeightAverage):
            raise ValueError(
                'ema_type of DistillerEMAHook should be an average that forgets, as '
                'ExponentialMovingAverage, where a generator is restarted, but got '
                'StochasticWeightAverage: it would keep to the new generator’s first weights'
            )
        values = live.state_dict()
        for name, mean in average.state_dict().items():
            mean.copy_(values[name])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the averages of a run that goes on, or average from what is loaded."""
        if 'ema_state_dict' in checkpoint and runner._resume:
            super().after_load_checkpoint(runner, checkpoint)
            return
        weights = checkpoint['state_dict']
        own = {k: v for k, v in weights.items() if k.partition('.')[0] in self.src_model}
        load_state_dict(self.ema_model.module, copy.deepcopy(own), strict=self.strict_load)
