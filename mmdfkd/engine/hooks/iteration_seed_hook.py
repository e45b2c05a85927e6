"""Randomness as a function of the iteration, which makes resume exact."""

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seed torch before each iteration from (run's seed, rank, iteration).

    Latents, draws from the memory, augmentation and dropout of iteration ``i`` are then the
    same whatever happened before it: validation, pictures, or a kill and a resume.
    No generator state needs saving, and ranks draw different latents.
    """

    priority = 'VERY_HIGH'

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Seed the CPU's and every device's generator; does not wait for the device."""
        entropy = np.random.SeedSequence((runner.seed, runner.rank, runner.iter))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
