"""Rounds under autocast. bfloat16 on a CPU: the wrapper of ``--amp`` wants a GPU."""

from contextlib import contextmanager

import pytest
import torch
from mmengine.optim import OptimWrapper
from toy import NUM_CLASSES, toy_optim_wrapper
from two_processes import BATCH, METHODS, method


class BFloat16(OptimWrapper):
    @contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.bfloat16):
            yield


def train(name, precision):
    torch.manual_seed(0)
    model = method(name)
    wrapper = dict(type=precision)
    optim_wrapper = toy_optim_wrapper(model, lr=0.01, generator=wrapper, student=wrapper)
    labels = torch.arange(BATCH) % NUM_CLASSES
    torch.manual_seed(1)
    return model, model.train_step({'label': labels}, optim_wrapper)


@pytest.mark.parametrize('name', METHODS)
def test_losses_are_those_of_full_precision_up_to_rounding(name):
    _, expected = train(name, OptimWrapper)
    model, found = train(name, BFloat16)
    assert found['student/loss_kd'] >= 0  # bfloat16's divergence was below
    for key, value in found.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected[key], rtol=0.05, atol=0.05)
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


def test_logits_are_of_full_precision():
    student = method('m4').student
    with torch.autocast('cpu', dtype=torch.bfloat16):
        prediction = student(torch.rand(2, 3, 8, 8))
    assert prediction.logits.dtype == torch.float32
