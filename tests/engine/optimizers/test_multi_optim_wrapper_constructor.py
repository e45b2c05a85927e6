import pytest
import torch
from mmengine.optim import OptimWrapper
from toy import toy_dedfkd, toy_optim_wrapper

from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor


def parameters_of(wrapper):
    return {p for group in wrapper.optimizer.param_groups for p in group['params']}


def test_each_part_has_its_own_parameters():
    model = toy_dedfkd()
    wrapper = toy_optim_wrapper(model)
    assert parameters_of(wrapper['generator']) == set(model.generator.parameters())
    assert parameters_of(wrapper['student']) == set(model.student.parameters())


def test_wrong_keys_are_an_error():
    sgd = dict(type=OptimWrapper, optimizer=dict(type=torch.optim.SGD, lr=0.1))
    constructor = MultiOptimWrapperConstructor(dict(generator=sgd, pupil=sgd))
    with pytest.raises(ValueError, match=r"should be \['generator', 'student'\].*pupil"):
        constructor(toy_dedfkd())


def test_the_config_is_not_changed():
    sgd = dict(type=OptimWrapper, optimizer=dict(type=torch.optim.SGD, lr=0.1))
    cfg = dict(generator=sgd, student=dict(sgd))
    MultiOptimWrapperConstructor(cfg)(toy_dedfkd())
    assert sgd == dict(type=OptimWrapper, optimizer=dict(type=torch.optim.SGD, lr=0.1))
