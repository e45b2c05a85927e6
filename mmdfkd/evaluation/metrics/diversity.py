"""How diverse the synthetic samples are, in the teacher's eyes and in pixels."""

from functools import reduce
from typing import Any

import torch
from mmengine.dist import get_rank
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.evaluation.functional import diversity as D
from mmdfkd.evaluation.real_images import collate
from mmdfkd.registry import DATASETS, METRICS

from .synthetic_metric import SyntheticMetric

_RESERVOIR = ('keys', 'units', 'labels', 'pixels', 'moved')
_BATCH = 250  # real images that the teacher sees at a time
_SLACK = 1e-6  # float32's error of a cosine distance


@METRICS.register_module()
class Diversity(SyntheticMetric):
    """Spread of the samples inside and between classes, near-duplicates and collapse.

    Distances are cosine, of the teacher's penultimate features, in [0, 2]. A sample's class
    is the one asked for (a real image's, its label); where none was, the teacher's decision.
    The figures:

    - ``intra``: mean distance of two samples of a class, then over classes.
    - ``inter``: mean distance of samples of two classes, then over pairs of classes.
    - ``vendi``: Vendi score (Friedman & Dieng, TMLR 2023) of the features with the cosine
      kernel, the effective number of different samples; ``vendi_class``: of a class's
      samples, mean over classes. Compare it between sets of one size only.
    - ``duplicates``: share of images with another whose root mean square difference is
      under ``duplicate_distance``.
    - ``collapsed``: share of latents that the generator hardly tells apart: another latent
      of the class gives features no farther than those of the very image moved right by a
      pixel. It rises with the number of samples, and where classes are narrow: 0.00 of
      2,000 CIFAR-10 test images (ResNet-20), 0.45 of 5,000 of MNIST (LeNet-5); compare
      it with real images of that number. Only of samples with company in their class;
      wants :meth:`bind`.

    ``intra`` and ``inter`` are exact sums over all samples; the others are of a random
    ``max_samples`` of them. ``details`` has ``classes`` and of each its ``count``,
    ``intra`` (None of a single sample) and ``vendi``.

    Args:
        real: config of a data set of real images, mmpretrain's ``dict(inputs=uint8
            (C, H, W), data_samples=DataSample)``. The same figures of as many of them as
            samples are kept are added with the suffix ``_real``. It wants :meth:`bind`.
        max_samples: samples that are kept for comparisons with neighbours.
        duplicate_distance: in pixel values of 255.
        seed: of the choice of samples.
        prefix: see :class:`SyntheticMetric`.

    Raises:
        ValueError: if ``max_samples`` is below 2.
    """

    default_prefix = 'diversity'

    def __init__(
        self,
        real: dict | None = None,
        max_samples: int = 5000,
        duplicate_distance: float = 2.0,
        seed: int = 0,
        prefix: str | None = None,
    ) -> None:
        super().__init__(prefix)
        if max_samples < 2:
            raise ValueError(f'max_samples should be at least 2, but got {max_samples}')
        self.real = real
        self.max_samples = max_samples
        self.duplicate_distance = duplicate_distance
        self.seed = seed
        self._draw = torch.Generator()
        # By how many were compared.
        self._of_real: dict[int, tuple[dict[str, float], dict[str, list]]] = {}

    def bind(self, distiller: Any) -> None:
        """Hand over the distiller; the figures of real images are of its teacher."""
        if distiller is not self.distiller:
            self._of_real.clear()
        super().bind(distiller)

    def measure(self, sample: dict) -> dict[str, Tensor]:
        """Sum features up and keep a random choice of samples."""
        if self.real is not None and self.distiller is None:
            raise ValueError(
                'Diversity should have a distiller for real images, but got none; call '
                'bind(distiller) before the evaluation'
            )
        if not self.results:
            self._draw.manual_seed(self.seed + get_rank())
        units = _units(sample['features'])
        logits, labels = sample['logits'], sample['labels']
        labels = (logits.argmax(1) if labels is None else labels).cpu()
        sums = torch.zeros(logits.size(1), units.size(1), dtype=units.dtype)
        squares = units.square().sum(1)
        state = {
            'counts': labels.bincount(minlength=logits.size(1)),
            'sums': sums.index_add_(0, labels, units),
            'squares': labels.bincount(squares, minlength=logits.size(1)),
            'keys': torch.rand(len(units), generator=self._draw, dtype=torch.float64),
            'units': units,
            'labels': labels,
            'pixels': D.comparable_pixels(sample['images']).cpu(),
        }
        if self.distiller is not None:
            state['moved'] = 1 - (units * self._moved_units(sample['images'])).sum(1)
        return self._choose(state)

    def merge(self, one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add the sums, and choose of both reservoirs."""
        return self._choose(
            {
                name: torch.cat([mine, other[name]]) if name in _RESERVOIR else mine + other[name]
                for name, mine in one.items()
            }
        )

    def summarise(self, state: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, list]]:
        """Return the figures and the details, of real images, too, if there are any."""
        figures, details = self._summarise(state)
        if self.real is not None:
            number = len(state['keys'])
            if number not in self._of_real:
                self._of_real[number] = self._summarise(self._measure_real(self.real, number))
            of_real, details_of_real = self._of_real[number]
            figures |= {f'{name}_real': value for name, value in of_real.items()}
            details |= {f'{name}_real': values for name, values in details_of_real.items()}
        return figures, details

    def _choose(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """Keep the ``max_samples`` of the smallest keys: a random choice, however batched."""
        if len(state['keys']) <= self.max_samples:
            return state
        chosen = state['keys'].topk(self.max_samples, largest=False).indices
        return {name: v[chosen] if name in _RESERVOIR else v for name, v in state.items()}

    def _summarise(self, state: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, list]]:
        counts, units, labels = state['counts'], state['units'], state['labels']
        intra = D.intra_class_distances(counts, state['sums'], state['squares'])
        classes = counts.nonzero()[:, 0].tolist()
        # Of the reservoir: a (D, D) matrix of each of a thousand classes is too much to keep.
        vendi = {c: D.vendi_score_of(units[labels == c]) for c in labels.unique().tolist()}
        figures = {
            'intra': float(intra.nanmean()),
            'inter': D.inter_class_distance(counts, state['sums']),
            'vendi': D.vendi_score_of(units),
            'vendi_class': sum(vendi.values()) / len(vendi),
            'duplicates': self._duplicates(state['pixels']),
            'collapsed': _collapsed(units, labels, state['moved']) if 'moved' in state else None,
        }
        details = {
            'classes': classes,
            'count': counts[classes].tolist(),
            'intra': [None if x != x else x for x in intra[classes].tolist()],
            'vendi': [vendi.get(c) for c in classes],
        }
        return {k: v for k, v in figures.items() if v is not None and v == v}, details

    def _duplicates(self, pixels: Tensor) -> float:
        near = D.nearest_pixel_distances(pixels) < self.duplicate_distance
        return float(near.double().mean())

    def _measure_real(self, config: dict, number: int) -> dict[str, Tensor]:
        """Measure ``number`` random real images as the synthetic ones."""
        dataset = DATASETS.build(config)
        order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(self.seed))
        states = []
        for indices in order[:number].split(_BATCH):
            images, labels = collate([dataset[index] for index in indices.tolist()])
            images = self.distiller.data_preprocessor.cast_data(images).float()
            logits, features = self.distiller.teacher(self.distiller.normalize(images))
            sample = dict(images=images, logits=logits, features=features)
            sample['labels'] = None if labels.min() < 0 else labels
            states.append(self.measure(sample))
        return reduce(self.merge, states)

    def _moved_units(self, images: Tensor) -> Tensor:
        """Unit features (N, D) of the images moved right by a pixel; the edge is repeated."""
        moved = torch.cat([images[..., :1], images[..., :-1]], dim=3)
        return _units(self.distiller.teacher(self.distiller.normalize(moved)).features)


def _units(features: Tensor) -> Tensor:
    return F.normalize(features.double(), dim=1).cpu()


def _collapsed(units: Tensor, labels: Tensor, moved: Tensor) -> float | None:
    """Share of samples with company whose nearest is no farther than ``moved`` (n,)."""
    nearest = D.nearest_of_class(units, labels)
    in_company = nearest.isfinite()
    collapsed = nearest[in_company] <= moved[in_company] + _SLACK
    return float(collapsed.double().mean()) if len(collapsed) else None
