import pytest
import torch

from mmdfkd.datasets import LatentDataset
from mmdfkd.evaluation.functional import Reservoir
from mmdfkd.evaluation.functional.inception_score import splits_at


def stream(reservoir, rows, batch=7, first=0, step=1):
    for part in rows.split(batch):
        after = first + len(part) * step
        reservoir.update(range(first, after, step), row=part)
        first = after
    return reservoir


def test_all_rows_are_kept_in_order_until_it_is_full():
    rows = torch.randn(20, 3)
    assert stream(Reservoir(20), rows)['row'].equal(rows)
    assert stream(Reservoir(50), rows)['row'].equal(rows)


def test_a_full_one_keeps_distinct_rows_whatever_the_batches():
    rows = torch.arange(100.0)[:, None]
    found = stream(Reservoir(10), rows)['row'].flatten()
    assert len(found.unique()) == 10
    assert found.equal(found.sort().values)
    assert stream(Reservoir(10), rows, 100)['row'].flatten().equal(found)
    assert stream(Reservoir(10), rows, 1)['row'].flatten().equal(found)
    assert not stream(Reservoir(10, seed=1), rows)['row'].flatten().equal(found)


@pytest.mark.parametrize('seed', [0, 1, 1000])
def test_the_latents_of_the_same_seed_do_not_choose_the_rows(seed):
    labels = torch.tensor(LatentDataset(10, 20000, 4, seed).labels)
    kept = stream(Reservoir(5000, seed), labels, 1000)['row'].bincount()
    assert (kept - 500).abs().max() < 100  # 4.9 standard deviations
    splits = splits_at(range(20000), 10)
    assert (torch.bincount(10 * splits + labels) - 200).abs().max() < 60


def test_each_row_is_as_likely_as_any_other():
    rows = torch.arange(20.0)[:, None]
    counts = torch.zeros(20)
    for seed in range(2000):
        counts[stream(Reservoir(5, seed), rows)['row'].flatten().long()] += 1
    expected = 2000 * 5 / 20
    assert ((counts - expected).abs() < 5 * (expected * 0.75) ** 0.5).all()  # five sigma


def test_those_of_two_processes_merge_into_that_of_one():
    rows = torch.randn(60, 2)
    merged = Reservoir(12)
    for rank in (0, 1):
        merged.merge(stream(Reservoir(12), rows[rank::2], 5, rank, 2).state_dict())
    assert merged['row'].equal(stream(Reservoir(12), rows)['row'])


def test_those_of_parts_of_a_stream_merge_into_that_of_the_whole():
    rows = torch.randn(60, 2)
    merged = stream(Reservoir(12), rows[:25])
    merged += stream(Reservoir(12), rows[25:], first=25)
    assert merged['row'].equal(stream(Reservoir(12), rows)['row'])


def test_columns_of_any_type_stay_together():
    reservoir = Reservoir(5)
    for start in range(0, 30, 4):
        numbers = torch.arange(start, min(start + 4, 30))
        reservoir.update(
            range(start, start + len(numbers)),
            byte=numbers.to(torch.uint8),
            vector=numbers[:, None].double() / 7,
        )
    assert len(reservoir) == 5
    assert reservoir['byte'].dtype == torch.uint8
    torch.testing.assert_close(reservoir['vector'][:, 0] * 7, reservoir['byte'].double())
    assert 'vector' in reservoir
    assert 'other' not in reservoir
