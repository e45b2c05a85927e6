from collections import Counter
from itertools import islice

import pytest
from mmengine.dataset import DefaultSampler, InfiniteSampler

from mmdfkd.datasets import LabelDataset
from mmdfkd.datasets import label_dataset as module


def counts_of(labels, num_classes):
    counter = Counter(labels)
    return [counter[label] for label in range(num_classes)]


def is_balanced(labels, num_classes):
    counts = counts_of(labels, num_classes)
    return len(labels) == sum(counts) and max(counts) - min(counts) <= 1


@pytest.mark.parametrize(('num_classes', 'length'), [(2, 2), (3, 10), (10, 47)])
def test_any_consecutive_window_is_balanced(num_classes, length):
    labels = [item['label'] for item in LabelDataset(num_classes, length)]
    assert len(labels) == length
    for start in range(length):
        for stop in range(start + 1, length + 1):
            assert is_balanced(labels[start:stop], num_classes), (start, stop)


def test_the_remainder_moves_on_from_batch_to_batch():
    labels = [item['label'] for item in LabelDataset(num_classes=3, length=12)]
    batches = [labels[start : start + 4] for start in range(0, 12, 4)]
    extras = [Counter(batch).most_common(1)[0][0] for batch in batches]
    assert sorted(extras) == [0, 1, 2]


def dealt(sampler_type, dataset, rank, world_size, monkeypatch):
    """Labels that a rank's sampler deals out, two epochs' worth where it is infinite."""
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, world_size))
    monkeypatch.setattr(dataset, 'processes', world_size)
    indices = sampler_type(dataset, shuffle=False, seed=0)
    if sampler_type is InfiniteSampler:
        indices = islice(indices, 2 * len(dataset) // world_size)
    return [dataset[index]['label'] for index in indices]


@pytest.mark.parametrize('sampler_type', [DefaultSampler, InfiniteSampler])
@pytest.mark.parametrize('world_size', [1, 2, 3, 4])
@pytest.mark.parametrize(('num_classes', 'batch_size'), [(4, 8), (6, 9), (10, 4)])
def test_every_batch_of_every_rank_is_balanced(
    sampler_type, world_size, num_classes, batch_size, monkeypatch
):
    dataset = LabelDataset(num_classes, length=num_classes * batch_size * world_size)
    for rank in range(world_size):
        labels = dealt(sampler_type, dataset, rank, world_size, monkeypatch)
        assert len(labels) >= num_classes * batch_size
        for start in range(0, len(labels), batch_size):
            assert is_balanced(labels[start : start + batch_size], num_classes)


@pytest.mark.parametrize('world_size', [2, 3, 4])
def test_the_whole_batch_over_all_ranks_is_balanced(world_size, monkeypatch):
    num_classes, batch_size = 5, 10
    dataset = LabelDataset(num_classes, length=100 * world_size)
    ranks = [
        dealt(InfiniteSampler, dataset, rank, world_size, monkeypatch)[:batch_size]
        for rank in range(world_size)
    ]
    labels = [label for rank in ranks for label in rank]
    assert counts_of(labels, num_classes) == [2 * world_size] * num_classes


@pytest.mark.parametrize('world_size', [1, 2])
def test_a_batch_smaller_than_the_classes_has_pairs_of_a_class(world_size, monkeypatch):
    dataset = LabelDataset(num_classes=10, length=60, samples_per_class=2)
    seen = []
    for rank in range(world_size):
        labels = dealt(InfiniteSampler, dataset, rank, world_size, monkeypatch)[:30]
        first = rank * 10 // world_size
        assert labels[:8] == [first + i // 2 for i in range(8)]
        assert counts_of(labels[:20], 10) == [2] * 10
        seen += labels[:8]
    # Processes begin apart: their classes together are as many as one process's would be.
    assert max(counts_of(seen, 10)) == 2


def test_labels_are_plain_integers():
    assert type(LabelDataset(3, 6)[4]['label']) is int


@pytest.mark.parametrize('index', [-1, 6, 7])
def test_indices_out_of_range_raise(index):
    with pytest.raises(IndexError, match=rf'\[0, 6\), but got {index}'):
        LabelDataset(3, 6)[index]


@pytest.mark.parametrize(
    ('num_classes', 'length', 'message'),
    [(1, 10, 'num_classes should be at least 2, but got 1'), (5, 4, r'length .*\(5\), but got 4')],
)
def test_bad_arguments_raise(num_classes, length, message):
    with pytest.raises(ValueError, match=message):
        LabelDataset(num_classes, length)


def test_no_samples_of_a_class_raise():
    with pytest.raises(ValueError, match='samples_per_class should be a whole number over 0'):
        LabelDataset(3, 6, samples_per_class=0)


def test_a_loaders_own_process_knows_how_many_train(monkeypatch):
    monkeypatch.setattr(module, 'get_world_size', lambda: 2)
    dataset = LabelDataset(4, length=8)
    monkeypatch.setattr(module, 'get_world_size', lambda: 1)  # as in a process that was spawned
    assert [dataset[index]['label'] for index in range(0, 8, 2)] == [0, 1, 2, 3]
    assert [dataset[index]['label'] for index in range(1, 8, 2)] == [2, 3, 0, 1]
