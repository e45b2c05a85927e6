"""How diverse the synthetic samples are, in the teacher's eyes and in pixels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.checks import check_range
from mmdfkd.evaluation.functional import Reservoir
from mmdfkd.evaluation.functional import diversity as D
from mmdfkd.models.utils.precision import double_precision
from mmdfkd.registry import METRICS

from .synthetic_metric import State, Summary, SyntheticMetric

DUPLICATE_DISTANCE = 2.0  # root mean square, in pixel values of 255
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
    - ``duplicates``: share of images with another, of those that are kept, whose root mean
      square difference is under ``duplicate_distance``. Compare it between sets of one size
      only: of 50,000 samples with 5,000 kept, each meets a tenth of the others. Inside a
      whole memory ``tools/figures.py --source memory`` looks.
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
        real: config of a data set of real images, of which as many are measured as samples
            are kept; see :class:`SyntheticMetric`.
        max_samples: samples that are kept for comparisons with neighbours.
        duplicate_distance: in pixel values of 255.
        seed: of the choice of samples.
        prefix: see :class:`SyntheticMetric`.

    Raises:
        ValueError: if ``max_samples`` is below 2, or the data set of real images empty.
    """

    default_prefix = 'diversity'

    def __init__(
        self,
        real: dict | None = None,
        max_samples: int = 5000,
        duplicate_distance: float = DUPLICATE_DISTANCE,
        seed: int = 0,
        prefix: str | None = None,
    ) -> None:
        if max_samples < 2:
            raise ValueError(f'max_samples should be at least 2, but got {max_samples}')
        check_range('[0, 255]', duplicate_distance=duplicate_distance)
        super().__init__(prefix, real, max_samples)
        self.max_samples = max_samples
        self.duplicate_distance = duplicate_distance
        self.seed = seed

    def measure(self, sample: dict, places: range) -> State:
        """Sum features up and keep a random choice of samples."""
        units = _units(sample['features'])
        logits, labels = sample['logits'], sample['labels']
        labels = (logits.argmax(1) if labels is None else labels).cpu()
        sums = torch.zeros(logits.size(1), units.size(1), dtype=units.dtype)
        squares = units.square().sum(1)
        state = {
            'counts': labels.bincount(minlength=logits.size(1)),
            'sums': sums.index_add_(0, labels, units),
            'squares': labels.bincount(squares, minlength=logits.size(1)),
            'kept': Reservoir(self.max_samples, self.seed),
        }
        kept = dict(units=units, labels=labels, pixels=D.comparable_pixels(sample['images']))
        if self.distiller is not None:
            kept['moved'] = 1 - (units * self._moved_units(sample['images'])).sum(1)
        state['kept'].update(places, **kept)
        return state

    def summarise(self, state: State) -> Summary:
        """Return the figures and the details."""
        counts, kept = state['counts'], state['kept']
        units, labels = kept['units'], kept['labels']
        intra = D.intra_class_distances(counts, state['sums'], state['squares'])
        classes = counts.nonzero()[:, 0].tolist()
        # Of the reservoir: a (D, D) matrix of each of a thousand classes is too much to keep.
        vendi = {c: D.vendi_score_of(units[labels == c]) for c in labels.unique().tolist()}
        figures = {
            'intra': float(intra.nanmean()),
            'inter': D.inter_class_distance(counts, state['sums']),
            'vendi': D.vendi_score_of(units),
            'vendi_class': sum(vendi.values()) / len(vendi),
            'duplicates': D.duplicate_share(
                kept['pixels'], self.duplicate_distance, self.max_samples
            ),
            'collapsed': _collapsed(units, labels, kept['moved']) if 'moved' in kept else None,
        }
        details = {
            'classes': classes,
            'count': counts[classes].tolist(),
            'intra': [None if x != x else x for x in intra[classes].tolist()],
            'vendi': [vendi.get(c) for c in classes],
        }
        return {k: v for k, v in figures.items() if v is not None and v == v}, details

    def _moved_units(self, images: Tensor) -> Tensor:
        """Unit features (N, D) of the images moved right by a pixel; the edge is repeated."""
        moved = torch.cat([images[..., :1], images[..., :-1]], dim=3)
        return _units(self.distiller.teacher(self.distiller.normalize(moved)).features)


def _units(features: Tensor) -> Tensor:
    return F.normalize(double_precision(features), dim=1).cpu()


def _collapsed(units: Tensor, labels: Tensor, moved: Tensor) -> float | None:
    """Share of samples with company whose nearest is no farther than ``moved`` (n,)."""
    nearest = D.nearest_of_class(units, labels)
    in_company = nearest.isfinite()
    collapsed = nearest[in_company] <= moved[in_company] + _SLACK
    return float(collapsed.cpu().double().mean()) if len(collapsed) else None
