"""One pass over synthetic images for any number of metrics."""

from typing import Any

import torch
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.evaluator import Evaluator
from rich.progress import track
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmdfkd.models.utils import unwrap


def bind(metrics: list, model: nn.Module) -> None:
    """Show the distiller to those metrics that need its teacher or student."""
    for metric in metrics:
        if hasattr(metric, 'bind'):
            metric.bind(unwrap(model))


@torch.no_grad()
def evaluate_synthetic(
    model: Any, dataset: Dataset, metrics: list, batch_size: int = 250, progress: bool = False
) -> dict[str, float]:
    """Compute metrics of synthetic images; every process does its share.

    Args:
        model: a distiller; nothing of it changes.
        dataset: a :class:`~mmdfkd.datasets.LatentDataset` (live samples) or
            :class:`~mmdfkd.datasets.MemoryDataset`.
        metrics: MMEngine metrics of synthetic images, built.
        batch_size: images in a pass, in each process.
        progress: show a bar.

    Returns:
        The figures by ``prefix/name``.
    """
    bind(metrics, model)
    evaluator = Evaluator(metrics)
    dataloader = DataLoader(
        dataset,
        batch_size=batch_size,
        # With a seed, as it would draw one from numpy's state otherwise.
        sampler=DefaultSampler(dataset, shuffle=False, seed=0, round_up=False),
        collate_fn=default_collate,
        generator=torch.Generator(),  # iterating draws a seed, not from the run's own
    )
    for data in track(dataloader, 'synthetic images', disable=not progress):
        evaluator.process(data_samples=model.val_step(data), data_batch=data)
    return evaluator.evaluate(len(dataset))  # type: ignore[arg-type]
