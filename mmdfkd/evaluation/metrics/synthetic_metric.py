"""What the streaming figures of synthetic samples share."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

_FINITE = ('images', 'logits', 'features', 'student_logits')


class SyntheticMetric(BaseMetric, metaclass=ABCMeta):
    """Base of metrics of synthetic samples whose memory does not grow with their number.

    Each batch is measured into a state of tensors, and states are merged at once; so are
    those of several processes. Figures that a set of samples does not have (the distance
    between classes, of one class) are left out of the result. With several processes a
    sampler that pads (``round_up``) lets some samples count twice.

    Args:
        prefix: leading part of the figures' names, instead of ``default_prefix``.

    Attributes:
        details: of the last evaluation, lists to draw by name, fit for JSON.
    """

    results: list[dict[str, Tensor]]

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self.details: dict[str, list] = {}
        self.distiller: Any = None

    def bind(self, distiller: Any) -> None:
        """Hand over the distiller whose samples are measured, before the first of them."""
        self.distiller = distiller

    @torch.no_grad()
    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Measure batches of synthetic samples.

        Args:
            data_batch: not used.
            data_samples: what ``val_step`` makes: dicts of ``images`` (N, C, H, W) in
                [0, 255], ``labels`` (N,) or None, ``logits`` (N, K), ``features`` (N, D)
                and ``student_logits`` (N, K).

        Raises:
            ValueError: if any of them is NaN or infinite.
        """
        for sample in data_samples:
            check_finite(sample)
            self.results = [reduce(self.merge, [*self.results, self.measure(sample)])]

    def compute_metrics(self, results: list[dict[str, Tensor]]) -> dict[str, float]:
        """Compute the figures from the processes' states, and keep the details.

        Raises:
            ValueError: if there was no sample.
        """
        if not results:
            raise ValueError(
                f'{type(self).__name__} should get synthetic samples, but got none; '
                'give the dataloader a length over 0'
            )
        figures, self.details = self.summarise(reduce(self.merge, results))
        return figures

    @abstractmethod
    def measure(self, sample: dict) -> dict[str, Tensor]:
        """Measure a batch: tensors on the CPU."""

    def merge(self, one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
        """Merge two states; here, the sums of two batches."""
        return {name: one[name] + other[name] for name in one}

    @abstractmethod
    def summarise(self, state: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, list]]:
        """Return the figures and the details of all samples."""


def check_finite(sample: dict) -> None:
    """Raise a ValueError if tensors of a batch of synthetic samples are not finite."""
    for name in _FINITE:
        finite = sample[name].flatten(1).isfinite().all(1)
        if not finite.all():
            raise ValueError(
                f'{name} of synthetic samples should be finite, but got NaN or infinity in '
                f'{int((~finite).sum())} of {len(finite)}; the run has diverged: use an '
                'earlier checkpoint'
            )
