"""Synthetic images and what teacher and student make of them, for figures of merit."""

from typing import Any

import torch
from torch import Tensor

from mmdfkd.models.utils import frozen


@torch.no_grad()
def describe(distiller: Any, data: dict[str, Tensor]) -> dict[str, Tensor | None]:
    """Synthesise a batch and classify it; nothing of the distiller changes.

    Args:
        distiller: a :class:`~.base.DataFreeDistiller`.
        data: ``latent`` (N, latent_dim) and ``label`` (N,) for the generator's live
            samples, or ``slot`` (N,) for images of the bank.

    Returns:
        ``images`` (N, C, H, W), whole pixels in [0, 255]; ``labels`` (N,) that were asked
        for, or None where none were: of the bank, or an unconditional generator;
        ``logits`` (N, K) and ``features`` (N, D), the teacher's; ``student_logits`` (N, K).

    Raises:
        ValueError: for a slot that holds no image yet.
    """
    if 'slot' in data:
        images, labels = _from_bank(distiller.bank, data['slot']), None
    else:
        with frozen(distiller.generator) as generator:
            images = generator(data['latent'], data['label'])
        # Eight bits, as the bank keeps and a file would.
        images = images.round().clamp(0, 255)
        labels = data['label'] if hasattr(generator, 'num_classes') else None
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


def _from_bank(bank: Any, slots: Tensor) -> Tensor:
    if int(slots.max()) >= len(bank):
        raise ValueError(
            f'slots should be below {len(bank)}, the images in the bank, but got '
            f'{int(slots.max())}; give BankDataset at most that length'
        )
    return bank[slots]
