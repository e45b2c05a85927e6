import torch

from mmdfkd.evaluation.functional import Reservoir


def stream(reservoir, rows, batch=7):
    for part in rows.split(batch):
        reservoir.update(part)
    return reservoir


def test_all_rows_are_kept_in_order_until_it_is_full():
    rows = torch.randn(20, 3)
    assert stream(Reservoir(20), rows).rows.equal(rows)
    assert stream(Reservoir(50), rows).rows.equal(rows)


def test_a_full_one_keeps_distinct_rows_whatever_the_batches():
    rows = torch.arange(100.0)[:, None]
    found = stream(Reservoir(10), rows).rows.flatten()
    assert len(found.unique()) == 10
    assert found.equal(found.sort().values)
    assert stream(Reservoir(10), rows, 100).rows.flatten().equal(found)
    assert stream(Reservoir(10), rows, 1).rows.flatten().equal(found)
    assert not stream(Reservoir(10, seed=1), rows).rows.flatten().equal(found)


def test_each_row_is_as_likely_as_any_other():
    rows = torch.arange(20.0)[:, None]
    counts = torch.zeros(20)
    for seed in range(2000):
        counts[stream(Reservoir(5, seed), rows).rows.flatten().long()] += 1
    expected = 2000 * 5 / 20
    assert ((counts - expected).abs() < 5 * (expected * 0.75) ** 0.5).all()  # five sigma


def test_those_of_two_processes_merge_into_that_of_one():
    rows = torch.randn(60, 2)
    whole = stream(Reservoir(12), rows)
    merged = Reservoir(12)
    for rank in (0, 1):
        merged.merge(stream(Reservoir(12, 0, rank, 2), rows[rank::2], 5).state_dict())
    assert merged.rows.equal(whole.rows)
    assert merged.seen == whole.seen == 60
