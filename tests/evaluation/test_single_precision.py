"""A device without float64, as Apple's, is asked for none; tensors here only say they are there."""

import pytest
import torch
from toy import NUM_CLASSES

from mmdfkd.evaluation import ClassBalance
from mmdfkd.evaluation.functional import (
    FeatureStatistics,
    InceptionScore,
    frechet_distance,
    neighbour_figures,
)
from mmdfkd.evaluation.metrics import diversity
from mmdfkd.evaluation.metrics.agreement import compare
from mmdfkd.models.utils.precision import double_precision


class Apple(torch.Tensor):
    """A tensor on a CPU that says it is on ``mps``, and cannot be float64."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function == torch.Tensor.device.__get__:
            return torch.device('mps')
        if getattr(function, '__name__', '') == 'cpu':
            return args[0].as_subclass(torch.Tensor)
        made = super().__torch_function__(function, types, args, kwargs or {})
        if isinstance(made, Apple) and made.dtype == torch.float64:
            raise TypeError('Cannot convert a MPS Tensor to float64 dtype')
        return made


def on_apple(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).as_subclass(Apple)


def plain(values):
    return values.as_subclass(torch.Tensor)


def test_the_stand_in_refuses_float64():
    with pytest.raises(TypeError, match='MPS Tensor to float64'):
        on_apple(2).double()
    assert type(double_precision(on_apple(2))) is torch.Tensor
    assert double_precision(plain(on_apple(2))).dtype == torch.float64


def test_agreement():
    logits = on_apple(6, 3), on_apple(6, 3, seed=1)
    found, expected = compare(*logits), compare(*map(plain, logits))
    assert all(found[name].equal(expected[name]) for name in expected)


def test_feature_statistics_and_neighbours():
    features, others = on_apple(12, 4), on_apple(12, 4, seed=1)
    found = [FeatureStatistics.of(rows) for rows in (features, others)]
    expected = [FeatureStatistics.of(plain(rows)) for rows in (features, others)]
    assert frechet_distance(*found) == frechet_distance(*expected) > 0
    assert neighbour_figures(features, others) == neighbour_figures(plain(features), plain(others))


def test_unit_features_scores_and_balance():
    features, logits = on_apple(6, 5), on_apple(6, 3)
    assert diversity._units(features).equal(diversity._units(plain(features)))
    scores = InceptionScore(2), InceptionScore(2)
    for score, seen in zip(scores, (logits, plain(logits)), strict=True):
        score.update(range(6), seen)
    assert scores[0].compute() == scores[1].compute()
    labels = torch.arange(6) % NUM_CLASSES
    measured = [
        ClassBalance().measure(dict(labels=labels, logits=seen), range(6))
        for seen in (logits, plain(logits))
    ]
    assert all(measured[0][name].equal(value) for name, value in measured[1].items())
