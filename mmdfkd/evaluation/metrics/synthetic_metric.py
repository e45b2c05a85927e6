"""What the streaming figures of synthetic samples share."""

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.evaluator import BaseMetric

from mmdfkd.evaluation.places import places
from mmdfkd.evaluation.real_images import RealImages

#: Sums of samples: tensors, or anything else that takes ``+=``.
State = dict[str, Any]
Summary = tuple[dict[str, float], dict[str, list]]

_BATCH = 250  # real images that the teacher sees at a time
_FINITE = ('images', 'logits', 'features', 'student_logits')


class SyntheticMetric(BaseMetric, metaclass=ABCMeta):
    """Base of metrics of synthetic samples whose memory does not grow with their number.

    Each batch is measured into a state of sums, and states are added up at once; so are
    those of several processes. Figures that a set of samples does not have (the distance
    between classes, of one class) are left out of the result. With several processes a
    sampler that pads (``round_up``) lets some samples count twice.

    Args:
        prefix: leading part of the figures' names, instead of ``default_prefix``.
        real: config of a data set of real images, mmpretrain's ``dict(inputs=uint8
            (C, H, W), data_samples=DataSample)``. The same figures of as many of them as
            there are samples are added with the suffix ``_real``. It wants :meth:`bind`.
        max_real: at most so many real images.

    Attributes:
        details: of the last evaluation, lists to draw by name, fit for JSON.

    Raises:
        ValueError: if the data set of real images is empty.
    """

    results: list[State]

    def __init__(
        self, prefix: str | None = None, real: Any = None, max_real: int | None = None
    ) -> None:
        super().__init__(prefix=prefix)
        self.details: dict[str, list] = {}
        self.distiller: Any = None
        self.real = None if real is None else RealImages(real, _BATCH)
        self.max_real = max_real
        self._seen = 0
        self._of_real: dict[int, Summary] = {}  # by how many were measured

    def bind(self, distiller: Any) -> None:
        """Hand over the distiller whose samples are measured, before the first of them.

        Raises:
            ValueError: if real images are not of its images' shape, or of other classes.
        """
        if self.real is not None and distiller is not self.distiller:
            self.real.check_fit(distiller)
        if distiller is not self.distiller:
            self._of_real.clear()
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
            ValueError: if any of them is NaN or infinite, or there are real images to
                measure and no distiller.
        """
        if self.real is not None and self.distiller is None:
            raise ValueError(
                f'{type(self).__name__} should have a distiller for real images, but got none; '
                'call bind(distiller) before the evaluation'
            )
        if not self.results:
            self._seen = 0
        for sample in data_samples:
            check_finite(sample)
            state = self.measure(sample, places(self._seen, len(sample['images'])))
            self._seen += len(sample['images'])
            self.results = [reduce(self.merge, [*self.results, state])]

    @torch.no_grad()
    def evaluate(self, size: int) -> dict[str, float]:
        """Compute the figures of what all processes have seen, and those of real images."""
        self._num_real = 0
        if self.real is not None:
            seen = sum(all_gather_object(self._seen if self.results else 0))
            self._num_real = min(seen, len(self.real), self.max_real or seen)
            if self._num_real and self._num_real not in self._of_real:
                self._of_real[self._num_real] = self._summarise_real(self.real)
        return super().evaluate(size)

    def compute_metrics(self, results: list[State]) -> dict[str, float]:
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
        if self.real is not None:
            of_real, details = self._of_real[self._num_real]
            figures |= {f'{name}_real': value for name, value in of_real.items()}
            self.details |= {f'{name}_real': values for name, values in details.items()}
        return figures

    @abstractmethod
    def measure(self, sample: dict, places: range) -> State:
        """Measure a batch, of samples at these places in the whole set."""

    def merge(self, one: State, other: State) -> State:
        """Add another state to one."""
        for name in one:
            one[name] += other[name]
        return one

    @abstractmethod
    def summarise(self, state: State) -> Summary:
        """Return the figures and the details of all samples."""

    def _summarise_real(self, real: RealImages) -> Summary:
        """Measure a random choice of the real images, each process its share."""
        states: list[State] = []
        seen = 0
        for images, labels in real.subset(self._num_real).batches('Describing real images'):
            pixels = self.distiller.data_preprocessor.cast_data(images).float()
            logits, features = self.distiller.teacher(self.distiller.normalize(pixels))
            sample = dict(images=pixels, logits=logits, features=features)
            sample['labels'] = None if labels.min() < 0 else labels
            state = self.measure(sample, places(seen, len(images)))
            seen += len(images)
            states = [reduce(self.merge, [*states, state])]
        shares: list[list[State]] = all_gather_object(states)
        return self.summarise(reduce(self.merge, [state for share in shares for state in share]))


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
