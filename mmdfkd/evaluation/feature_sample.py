"""What the figures need to know of a set of images, in memory that does not grow with it."""

from typing import Any

from torch import Tensor

from mmdfkd.checks import check_positive
from mmdfkd.models.classifiers import Prediction

from .functional import FeatureStatistics, InceptionScore, Reservoir
from .places import places


class FeatureSample:
    """Statistics of all features, a sample of them, and the Inception score's sums.

    Where processes see the images in turn (:func:`~.places.places`), their parts add up to
    what a single process has.

    Args:
        max_samples: features kept, drawn uniformly.
        seed: of the draws.

    Attributes:
        statistics: of all features.
        classes: of each class's features, if labels were given, by class.
        reservoir: ``features`` kept, float32.
        inception_score: of the logits.
    """

    def __init__(self, max_samples: int, seed: int = 0) -> None:
        check_positive(max_samples=max_samples)
        self.statistics: FeatureStatistics | None = None
        self.classes: dict[int, FeatureStatistics] = {}
        self.reservoir = Reservoir(max_samples, seed)
        self.inception_score = InceptionScore()

    def __len__(self) -> int:
        return self.statistics.count if self.statistics else 0

    def update(self, prediction: Prediction, labels: Tensor | None = None) -> None:
        """See N images: logits (N, K), features (N, D) and, for figures by class, labels (N,)."""
        logits, features = prediction
        seen = places(len(self), len(features))
        if self.statistics is None:
            self.statistics = FeatureStatistics.of(features[:0])
        self.statistics.update(features)
        for label in [] if labels is None else labels.unique().tolist():
            if label not in self.classes:
                self.classes[label] = FeatureStatistics.of(features[:0])
            self.classes[label].update(features[labels == label])
        self.reservoir.update(seen, features=features.float())
        self.inception_score.update(seen, logits)

    def merge(self, state: dict[str, Any]) -> None:
        """Take in what another process has seen, or a file has kept: its ``state_dict()``."""
        self.statistics = _sum(self.statistics, state['statistics'])
        for label, part in state['classes'].items():
            self.classes[label] = _sum(self.classes.get(label), part)
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


def _sum(known: FeatureStatistics | None, state: dict[str, Any]) -> FeatureStatistics:
    part = FeatureStatistics(**state)
    if known is None:
        return part
    known += part
    return known


def merged(states: list[dict[str, Any]], max_samples: int) -> FeatureSample:
    """Make one sample of the states of several, those of the processes or of a file."""
    whole = FeatureSample(max_samples)
    for state in states:
        whole.merge(state)
    return whole
