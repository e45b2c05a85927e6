"""Synthetic images and what teacher and student make of them, for figures of merit."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from mmdfkd.datasets import MemoryDataset
from mmdfkd.models.utils import frozen


@torch.no_grad()
def describe(distiller: Any, data: dict[str, Tensor]) -> dict[str, Tensor | None]:
    """Synthesise a batch and classify it; nothing of the distiller changes.

    Args:
        distiller: a :class:`~.base.DataFreeDistiller`.
        data: ``latent`` (N, latent_dim) and ``label`` (N,) for the generator's live
            samples, or ``slot`` (N,) for images of the memory.

    Returns:
        ``images`` (N, C, H, W), whole pixels in [0, 255]; ``labels`` (N,) that were asked
        for, or None where none were: of the memory, or an unconditional generator;
        ``logits`` (N, K) and ``features`` (N, D), the teacher's; ``student_logits`` (N, K).

    Raises:
        ValueError: for a slot that holds no image yet.
    """
    if 'slot' in data:
        images, labels = _from_memory(distiller.memory, data['slot']), None
    else:
        with frozen(distiller.generator) as generator:
            images = generator(data['latent'], data['label'])
        # Eight bits, as the memory keeps and a file would.
        images = images.round().clamp(0, 255)
        labels = data['label'] if generator.conditional else None
    inputs = distiller.normalize(images)
    logits, features = distiller.teacher(inputs)
    with frozen(distiller.student) as student:
        student_logits = student(inputs).logits
    return dict(
        images=images,
        labels=labels,
        logits=logits,
        features=features,
        student_logits=student_logits,
    )


def choose_source(distiller: Any, source: str | None) -> str:
    """Return where to take images from: ``source``, or by default the method's usual one.

    Raises:
        ValueError: if the method has no such source.
    """
    if source is not None and source not in distiller.sources:
        raise ValueError(
            f'--source should be one of {distiller.sources} for {type(distiller).__name__}, but '
            f'got {source!r}; leave it out for {distiller.sources[0]!r}'
        )
    return source or distiller.sources[0]


def samples_of(distiller: Any, source: str, num: int, seed: int) -> Dataset:
    """Return what to synthesise, for :meth:`~.interface.ToolInterface.val_step`.

    Args:
        distiller: a :class:`~.base.DataFreeDistiller`.
        source: one of its ``sources``.
        num: images; of a memory that holds fewer, all.
        seed: of the latents, or of the choice among a memory's images, which is random.

    Raises:
        ValueError: if the memory is empty.
    """
    if source == 'generator':
        return distiller.held_out(num, seed)
    length = len(distiller.memory)
    slots = MemoryDataset(length)
    if num >= length:
        return slots
    order = torch.randperm(length, generator=torch.Generator().manual_seed(seed))
    return Subset(slots, order[:num].tolist())


def _from_memory(memory: Any, slots: Tensor) -> Tensor:
    if int(slots.max()) >= len(memory):
        raise ValueError(
            f'slots should be below {len(memory)}, the images in the memory, but got '
            f'{int(slots.max())}; give MemoryDataset at most that length'
        )
    return memory[slots]
