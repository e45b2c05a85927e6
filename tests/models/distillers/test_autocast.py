"""Rounds in bfloat16 through the wrapper of ``--amp``: it wants a GPU, but autocast does not."""

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.optim.optimizer import amp_optimizer_wrapper
from toy import NUM_CLASSES, toy_optim_wrapper
from two_processes import BATCH, METHODS, method

from mmdfkd.models.distillers import InversionDistiller

FULL = dict(type=OptimWrapper)
AMP = dict(type=AmpOptimWrapper, dtype='bfloat16', loss_scale=dict(enabled=False))
LABELS = {'label': torch.arange(BATCH) % NUM_CLASSES}
pytestmark = pytest.mark.filterwarnings('ignore:`torch.cuda.amp.GradScaler:FutureWarning')


@pytest.fixture(autouse=True)
def _no_gpu_wanted(monkeypatch):
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)


def built(name, wrapper):
    torch.manual_seed(0)
    model = method(name)
    mixed = ['student'] if isinstance(model, InversionDistiller) else ['generator', 'student']
    return model, toy_optim_wrapper(model, lr=0.01, **dict.fromkeys(mixed, wrapper))


def step(model, optim_wrapper, seed=1):
    torch.manual_seed(seed)
    return model.train_step(LABELS, optim_wrapper)


@pytest.mark.parametrize('name', METHODS)
def test_losses_are_those_of_full_precision_up_to_rounding(name):
    expected = step(*built(name, FULL))
    model, optim_wrapper = built(name, AMP)
    found = step(model, optim_wrapper)
    assert found['student/loss_kd'] >= 0  # bfloat16's divergence was below
    for key, value in found.items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected[key], rtol=0.05, atol=0.05)
    assert all(weight.dtype == torch.float32 for weight in model.parameters())


def test_a_run_in_bfloat16_resumes(tmp_path):
    whole, resumed = built('m4', AMP), built('m4', AMP)
    step(*whole)
    for part, before in zip(resumed, whole, strict=True):
        torch.save(before.state_dict(), tmp_path / 'state.pth')
        part.load_state_dict(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert step(*resumed, seed=2) == step(*whole, seed=2)


def test_logits_are_of_full_precision():
    student = method('m4').student
    with torch.autocast('cpu', dtype=torch.bfloat16):
        prediction = student(torch.rand(2, 3, 8, 8))
    assert prediction.logits.dtype == torch.float32
