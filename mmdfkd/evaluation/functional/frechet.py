"""Fréchet distance of Gaussians fitted to features, from statistics that stream."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmdfkd.models.utils.precision import double_precision


@dataclass
class FeatureStatistics:
    """Count, sum and sum of outer products: what a mean and a covariance need.

    Memory does not grow with the number of samples, and the statistics of two halves add
    up to those of the whole.

    Attributes:
        count: number of samples N.
        total: their sum, (D,) float64.
        outer: sum of their outer products, (D, D) float64.
    """

    count: int
    total: Tensor
    outer: Tensor

    @classmethod
    def of(cls, features: Tensor) -> 'FeatureStatistics':
        """Describe features (N, D)."""
        dims, rows = features.size(1), double_precision(features[:0])
        found = cls(0, *(rows.new_zeros(size) for size in (dims, (dims, dims))))
        found.update(features)
        return found

    def update(self, features: Tensor) -> None:
        """See further features (N, D)."""
        rows = double_precision(features.detach())
        self.count += len(rows)
        self.total += rows.sum(0)
        self.outer.addmm_(rows.T, rows)

    def __iadd__(self, other: 'FeatureStatistics') -> 'FeatureStatistics':
        self.count += other.count
        self.total += other.total
        self.outer += other.outer
        return self

    def state_dict(self) -> dict[str, Any]:
        """Return the attributes, on the CPU."""
        return {'count': self.count, 'total': self.total.cpu(), 'outer': self.outer.cpu()}

    @property
    def mean(self) -> Tensor:
        """Mean, (D,)."""
        return self.total / self.count

    @property
    def covariance(self) -> Tensor:
        """Unbiased covariance, (D, D), of at least two samples."""
        centred = self.outer - self.count * torch.outer(self.mean, self.mean)
        return centred / (self.count - 1)


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """Compute the Fréchet distance (FID) of two Gaussians.

    Heusel et al., GANs Trained by a Two Time-Scale Update Rule (2017), equation 6:
    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``.

    Args:
        first: statistics of at least two samples.
        second: likewise, of as many features.

    Returns:
        The squared distance, 0 or more up to rounding.
    """
    # torch-fidelity has this function, too, but the package is optional and an import guard
    # longer than the formula; the eigenvalues of its non-symmetric C1 C2 cost twice as much.
    # The symmetric C1^(1/2) C2 C1^(1/2) has the same, all real.
    values, vectors = torch.linalg.eigh(first.covariance)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ second.covariance @ root)
    traces = first.covariance.trace() + second.covariance.trace()
    between = (first.mean - second.mean).square().sum()
    return float(between + traces - 2 * product.clamp(min=0).sqrt().sum())


def warn_of_few(counts: dict[str, int], num_features: int, figure: str = 'FID') -> None:
    """Warn if any of the counts of images, by whose they are, is no larger than the features."""
    if min(counts.values()) <= num_features:
        warnings.warn(
            f'{figure} should have more images than the {num_features} features, but got {counts}: '
            'a covariance is rank-deficient and the figure biased upwards; compare it with '
            'figures of the same numbers only, or give more images',
            stacklevel=3,
        )


def class_distances(
    real: dict[int, FeatureStatistics], other: dict[int, FeatureStatistics], name: str
) -> dict[str, float]:
    """Compute the FID of each class and their mean; warn of classes that have too few images.

    Args:
        real: statistics by class.
        other: likewise, of other images.
        name: what these are, for the warning.

    Returns:
        ``fid_class_<k>`` of each class with 2 images or more in both, their mean
        ``fid_class_mean`` and their number ``fid_class_count``.
    """
    classes = sorted(real.keys() | other.keys())
    counts = {
        k: (real[k].count if k in real else 0, other[k].count if k in other else 0) for k in classes
    }
    absent = {k: pair for k, pair in counts.items() if min(pair) < 2}
    if absent:
        warnings.warn(
            f'each class should have 2 real and 2 {name} images or more for its FID, but classes '
            f'(real, {name}) have {absent}; they are left out of the mean',
            stacklevel=2,
        )
    compared = [k for k in classes if k not in absent]
    if compared:
        smallest = {
            f'the smallest {whose} class': min(of[k].count for k in compared)
            for whose, of in (('real', real), (name, other))
        }
        warn_of_few(smallest, len(real[compared[0]].total), 'FID inside a class')
    figures = {f'fid_class_{k}': frechet_distance(real[k], other[k]) for k in compared}
    mean = sum(figures.values()) / len(figures) if figures else float('nan')
    return figures | {'fid_class_mean': mean, 'fid_class_count': float(len(figures))}
