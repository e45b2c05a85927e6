"""What the figures need to know of a set of images, in memory that does not grow with it."""

from typing import Any

from mmengine.dist import get_dist_info
from torch import Tensor

from mmdfkd.models.utils import Prediction

from .functional import FeatureStatistics, InceptionScore, Reservoir


class FeatureSample:
    """Statistics of all features, a sample of them, and the Inception score's sums.

    Process r of W sees the images r, r + W, ... of a set, as MMEngine's sampler deals them:
    the processes' parts then add up to what a single process has.

    Args:
        max_samples: features kept, drawn uniformly.
        seed: of the draws.

    Attributes:
        statistics: of all features.
        classes: of each class's features, if labels were given, by class.
        reservoir: the features kept.
        inception_score: of the logits.
    """

    def __init__(self, max_samples: int, seed: int = 0) -> None:
        rank, world_size = get_dist_info()
        self.statistics: FeatureStatistics | None = None
        self.classes: dict[int, FeatureStatistics] = {}
        self.reservoir = Reservoir(max_samples, seed, rank, world_size)
        self.inception_score = InceptionScore(rank=rank, world_size=world_size)

    def __len__(self) -> int:
        return self.statistics.count if self.statistics else 0

    def update(self, prediction: Prediction, labels: Tensor | None = None) -> None:
        """See N images: logits (N, K), features (N, D) and, for figures by class, labels (N,)."""
        logits, features = prediction
        self._add(FeatureStatistics.of(features))
        for label in [] if labels is None else labels.unique().tolist():
            self._add_class(label, FeatureStatistics.of(features[labels == label]))
        self.reservoir.update(features)
        self.inception_score.update(logits)

    def merge(self, state: dict[str, Any]) -> None:
        """Take in what another process has seen, or a file has kept: its ``state_dict()``."""
        self._add(FeatureStatistics(**state['statistics']))
        for label, statistics in state['classes'].items():
            self._add_class(label, FeatureStatistics(**statistics))
        self.reservoir.merge(state['reservoir'])
        self.inception_score.merge(state['inception_score'])

    def state_dict(self) -> dict[str, Any]:
        """Return plain CPU tensors, numbers and dicts of them."""
        assert self.statistics is not None  # an image was seen
        return {
            'statistics': self.statistics.state_dict(),
            'classes': {label: part.state_dict() for label, part in self.classes.items()},
            'reservoir': self.reservoir.state_dict(),
            'inception_score': self.inception_score.state_dict(),
        }

    def _add(self, statistics: FeatureStatistics) -> None:
        if self.statistics is None:
            self.statistics = statistics
        else:
            self.statistics += statistics

    def _add_class(self, label: int, statistics: FeatureStatistics) -> None:
        if label in self.classes:
            self.classes[label] += statistics
        else:
            self.classes[label] = statistics


def merged(states: list[dict[str, Any]], max_samples: int) -> FeatureSample:
    """Make one sample of the states of several, those of the processes or of a file."""
    whole = FeatureSample(max_samples)
    for state in states:
        whole.merge(state)
    return whole
