import pytest
import torch
from torch import nn
from toy import toy_dedfkd, toy_optim_wrapper

from mmdfkd.engine.optimizers import BFloat16OptimWrapper
from mmdfkd.engine.optimizers import bfloat16_optim_wrapper as module
from mmdfkd.registry import OPTIM_WRAPPERS


def wrapper_of(network, **options):
    return BFloat16OptimWrapper(optimizer=torch.optim.SGD(network.parameters(), 0.1), **options)


@pytest.mark.parametrize(
    ('always', 'fast', 'expected'),
    [
        (False, False, torch.float),
        (False, True, torch.bfloat16),
        (True, False, torch.bfloat16),
    ],
)
def test_passes_are_in_bfloat16_where_it_is_fast_or_asked_for(monkeypatch, always, fast, expected):
    monkeypatch.setattr(module, 'has_fast_bfloat16', lambda device_type: fast)
    network = nn.Linear(2, 3)
    wrapper = wrapper_of(network, always=always)
    with wrapper.optim_context(network):
        outputs = network(torch.ones(1, 2))
    assert outputs.dtype == expected
    wrapper.update_params(outputs.float().sum())
    assert network.weight.dtype == torch.float
    assert network(torch.ones(1, 2)).dtype == torch.float


def test_it_is_found_by_its_name():
    network = nn.Linear(2, 3)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    cfg = dict(type='mmdfkd.BFloat16OptimWrapper', optimizer=optimizer)
    assert isinstance(OPTIM_WRAPPERS.build(cfg), BFloat16OptimWrapper)


def test_a_distiller_trains_with_it():
    model = toy_dedfkd(g_steps=1, kd_steps=1)
    bfloat16 = dict(type=BFloat16OptimWrapper, always=True)
    wrapper = toy_optim_wrapper(model, generator=bfloat16, student=bfloat16)
    before = model.student.network[0].weight.clone()
    log = model.train().train_step({'label': torch.arange(6) % 3}, wrapper)
    assert all(torch.as_tensor(value).isfinite() for value in log.values())
    assert not torch.equal(model.student.network[0].weight, before)


def test_a_device_of_another_kind_is_not_taken_for_fast():
    assert not module.has_fast_bfloat16('meta')
    assert isinstance(module.has_fast_bfloat16('cpu'), bool)
