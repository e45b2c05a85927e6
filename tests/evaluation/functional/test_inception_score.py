import math

import pytest
import torch

from mmdfkd.evaluation.functional import InceptionScore
from mmdfkd.evaluation.functional.inception_score import splits_at


def stream(logits, batch=9, first=0, step=1, **kwargs):
    score = InceptionScore(**kwargs)
    for part in logits.split(batch):
        after = first + len(part) * step
        score.update(range(first, after, step), part)
        first = after
    return score


def test_it_equals_torch_fidelitys_on_the_same_splits():
    metric_isc = pytest.importorskip('torch_fidelity.metric_isc')
    logits = torch.randn(100, 12) * 3
    splits = splits_at(range(100), 10)
    in_splits = torch.cat([logits[splits == split] for split in range(10)])
    expected = metric_isc.isc_features_to_metric(in_splits, splits=10, shuffle=False)
    found = stream(logits).compute()
    assert found == pytest.approx(expected['inception_score_mean'], rel=1e-10)


def test_it_is_the_definition_by_loops():
    logits = torch.randn(6, 4).double()
    p = logits.softmax(1)
    scores = []
    splits = splits_at(range(6), 2)
    for rows in (p[splits == 0], p[splits == 1]):
        marginal = rows.mean(0)
        kl = [sum(row[k] * math.log(row[k] / marginal[k]) for k in range(4)) for row in rows]
        scores.append(math.exp(sum(kl) / len(rows)))
    assert stream(logits, splits=2).compute() == pytest.approx(sum(scores) / 2)


def test_its_bounds():
    certain = 1e4 * torch.eye(5).repeat(20, 1)[torch.randperm(100)]
    assert stream(certain, splits=1).compute() == pytest.approx(5)
    assert stream(torch.zeros(100, 5)).compute() == pytest.approx(1)
    assert stream(torch.zeros(3, 5)).compute() == pytest.approx(1)  # fewer than splits


def test_classes_that_come_in_turn_are_in_every_split():
    """The images of a memory do; with a class to each split the score was 1."""
    in_turn = 1e4 * torch.eye(10).repeat(64, 1)
    assert stream(in_turn).compute() > 9


def test_splits_are_as_large_and_the_same_from_any_place():
    splits = splits_at(range(5000), 10)
    assert splits.bincount().tolist() == [500] * 10
    assert splits_at(range(1234, 1300, 3), 10).equal(splits[1234:1300:3])


def test_two_processes_sum_to_one():
    logits = torch.randn(50, 4)
    merged = InceptionScore()
    for rank in (0, 1):
        merged.merge(stream(logits[rank::2], 4, rank, 2).state_dict())
    assert merged.compute() == pytest.approx(stream(logits).compute(), rel=1e-12)
