import pytest
import torch

from mmdfkd.models.memories import FeatureBank


def rows(*values):
    return torch.tensor([[float(value)] * 2 for value in values])


def held(bank):
    return sorted(bank.draw(100)[:, 0].tolist())


def test_it_keeps_the_newest_rows():
    bank = FeatureBank(4, 2)
    assert bank.draw(3).shape == (0, 2)
    for batch, expected in (([1, 2, 3], [1, 2, 3]), ([4, 5], [2, 3, 4, 5]), ([6], [3, 4, 5, 6])):
        bank.add(rows(*batch))
        assert held(bank) == expected
    bank.add(rows(1, 2, 3, 4, 5, 6))
    assert held(bank) == [3, 4, 5, 6]
    assert len(bank) == 4


def test_a_bank_that_is_just_full_is_not_forgotten():
    """As it is in CMI's public code."""
    bank = FeatureBank(4, 2)
    bank.add(rows(1, 2))
    bank.add(rows(3, 4))
    assert held(bank) == [1, 2, 3, 4]


def test_no_row_is_drawn_twice_and_each_as_often():
    bank = FeatureBank(5, 2)
    bank.add(rows(0, 1, 2, 3, 4))
    counts = torch.zeros(5)
    for _ in range(500):
        drawn = bank.draw(2)[:, 0].long()
        assert drawn[0] != drawn[1]
        counts[drawn] += 1
    assert counts.min() > 150
    assert counts.sum() == 1000


def test_it_is_resumed_with_the_run():
    bank, other = FeatureBank(4, 2), FeatureBank(4, 2)
    bank.add(rows(1, 2, 3).requires_grad_())
    other.load_state_dict(bank.state_dict())
    for each in (bank, other):
        each.add(rows(8, 9))
    assert held(bank) == held(other) == [2, 3, 8, 9]
    assert not bank.features.requires_grad


def test_a_capacity_of_nothing_is_refused():
    with pytest.raises(ValueError, match='capacity should be a whole number over 0, but got 0'):
        FeatureBank(0, 2)
