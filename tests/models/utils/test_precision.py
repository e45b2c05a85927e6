import pytest
import torch

from mmdfkd.models.utils import full_precision


@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        (torch.half, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_less_than_single_becomes_single(given, expected):
    values = torch.ones(2, dtype=given, requires_grad=True)
    raised = full_precision(values)
    assert raised.dtype == expected
    raised.sum().backward()
    assert values.grad.dtype == given
