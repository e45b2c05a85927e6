"""Whether a run can be validated on its own synthetic images."""

from bisect import bisect
from typing import Any

from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmdfkd.datasets import LatentDataset, MemoryDataset
from mmdfkd.models.utils import unwrap


def check_samples(runner: Runner, dataset: LatentDataset | MemoryDataset) -> None:
    """Tell now what would end the first validation, or make little of it.

    Raises:
        ValueError: if the method has no generator for latents, these are of another size, or no
            memory, or one that will not hold as many images.
    """
    model: Any = unwrap(runner.model)
    if isinstance(dataset, MemoryDataset):
        _check_memory(runner, dataset, model)
        return
    if 'generator' not in model.sources:
        raise ValueError(
            f'the evaluation set should be a MemoryDataset for {type(model).__name__}, which has '
            'no generator, but got a LatentDataset'
        )
    if dataset.latent_dim != model.latent_dim:
        raise ValueError(
            f'the LatentDataset should have the generator’s latent_dim={model.latent_dim}, '
            f'but got {dataset.latent_dim}; set latent_dim of that data set'
        )
    if model.sources[0] == 'memory':
        runner.logger.warning(
            'the evaluation set should be a MemoryDataset where fixed_latents fits the generator '
            'to each round’s latents, but got a LatentDataset: images of other latents are not '
            'what the student learns from'
        )


def _check_memory(runner: Runner, dataset: MemoryDataset, model: Any) -> None:
    memory = model.memory
    if memory is None:
        raise ValueError(
            f'the evaluation set should be a LatentDataset for {type(model).__name__} without a '
            'memory, but got a MemoryDataset; set val_dataloader.dataset'
        )
    first = _first_validation(runner) - runner.iter
    batch_size = (runner.train_dataloader.batch_size or 1) * get_world_size()
    by_then, so_far = (
        model.num_images(rounds, batch_size) for rounds in (runner.iter + first, runner.iter)
    )
    made = by_then - so_far
    held = min(len(memory) + made, memory.capacity)
    if len(dataset) > held:
        raise ValueError(
            f'length of the MemoryDataset should be at most {held}, the images in the memory at '
            f'the first validation, but got {len(dataset)}; set val_dataloader.dataset.length'
        )


def _first_validation(runner: Runner) -> int:
    """Return the number of rounds after which the next validation comes."""
    loop: Any = runner.train_loop
    begin = max(runner.iter + 1, loop.val_begin)
    for rounds in range(begin, runner.max_iters):
        # As MMEngine's loop looks it up, one round ahead.
        place = bisect(loop.dynamic_milestones, rounds + 1) - 1
        if rounds % loop.dynamic_intervals[place] == 0:
            return rounds
    return runner.max_iters
