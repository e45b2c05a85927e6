import pytest
import torch

from mmdfkd.models.losses import AttentionTransferLoss
from mmdfkd.models.losses.attention import attention, attention_transfer_loss


def attention_reference(maps):
    rows = []
    for sample in maps:
        values = [
            sum(sample[c, i, j] ** 2 for c in range(maps.size(1))) / maps.size(1)
            for i in range(maps.size(2))
            for j in range(maps.size(3))
        ]
        length = sum(value**2 for value in values) ** 0.5
        rows.append(torch.stack(values) / length)
    return torch.stack(rows)


def test_against_loops():
    student = [torch.randn(3, 2, 4, 4), torch.randn(3, 5, 2, 2)]
    teacher = [torch.randn(3, 7, 4, 4), torch.randn(3, 6, 2, 2)]
    expected = 0.0
    for s, t in zip(student, teacher, strict=True):
        torch.testing.assert_close(attention(s), attention_reference(s))
        difference = (attention_reference(s) - attention_reference(t)).flatten()
        expected = expected + sum(value**2 for value in difference) / len(difference)
    torch.testing.assert_close(attention_transfer_loss(student, teacher), expected)
    torch.testing.assert_close(AttentionTransferLoss(3.0)(student, teacher), 3 * expected)


def test_it_is_least_where_both_look_at_the_same_places():
    maps = torch.rand(2, 3, 4, 4)
    assert attention_transfer_loss([2 * maps], [maps]) < 1e-12


def test_dead_maps_keep_the_graph():
    maps = torch.zeros(2, 3, 4, 4, requires_grad=True)
    loss = attention_transfer_loss([maps], [torch.rand(2, 3, 4, 4)])
    loss.backward()
    assert loss.isfinite()
    assert maps.grad.isfinite().all()


def test_half_precision_maps_are_squared_in_full():
    maps = torch.full((1, 2, 2, 2), 1000.0, dtype=torch.float16)
    assert attention(maps).isfinite().all()


def test_as_many_layers():
    with pytest.raises(ValueError, match='should be of the same sizes'):
        attention_transfer_loss([torch.rand(1, 1, 2, 2)] * 2, [torch.rand(1, 1, 2, 2)])


def test_tokens_are_refused():
    tokens = [torch.rand(6, 16, 32)]
    with pytest.raises(ValueError, match=r'should be \(N, C, H, W\), but got \(6, 16, 32\)'):
        AttentionTransferLoss()(tokens, tokens)
