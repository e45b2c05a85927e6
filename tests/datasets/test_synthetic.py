import pytest
import torch

from mmdfkd.datasets import LatentDataset, MemoryDataset


def test_an_item_depends_on_seed_and_index_alone():
    torch.manual_seed(1)
    long, short = (LatentDataset(3, length, 4, seed=5) for length in (9, 6))
    torch.rand(3)
    for index in (5, 0):
        assert torch.equal(long[index]['latent'], short[index]['latent'])
    other = LatentDataset(3, 9, 4, seed=6)
    latents = torch.stack([d[i]['latent'] for d in (long, other) for i in range(9)])
    assert torch.cdist(latents, latents).fill_diagonal_(1).min() > 0.1
    assert other.labels != long.labels


def test_latents_are_standard_normal():
    dataset = LatentDataset(10, 500, 64, seed=0)
    latents = torch.stack([dataset[i]['latent'] for i in range(500)])
    assert latents.dtype == torch.float32
    assert abs(latents.mean()) < 0.02
    assert abs(latents.std() - 1) < 0.02
    assert (latents.T.corrcoef() - torch.eye(64)).abs().max() < 0.25


def test_labels_are_balanced_in_random_order():
    dataset = LatentDataset(3, 8, 4, seed=0)
    labels = [item['label'] for item in (dataset[i] for i in range(8))]
    assert sorted(labels[:3]) == sorted(labels[3:6]) == [0, 1, 2]
    assert len({tuple(LatentDataset(3, 3, 4, seed).labels) for seed in range(20)}) > 2


@pytest.mark.parametrize('dataset', [LatentDataset(3, 7, 4), MemoryDataset(7)])
def test_ends(dataset):
    assert len(list(dataset)) == len(dataset) == 7
    with pytest.raises(IndexError, match=r'index should be in \[0, 7\)'):
        dataset[7]


def test_memory_slots():
    assert [item['slot'] for item in MemoryDataset(3)] == [0, 1, 2]


def test_no_latents():
    with pytest.raises(ValueError, match='length should be a whole number over 0, but got 0'):
        LatentDataset(3, 0, 4)
