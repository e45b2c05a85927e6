import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper
from toy import snapshot, toy_dedfkd, toy_optim_wrapper
from toy_methods import toy_cmi, toy_fast_datafree

from mmdfkd.engine.optimizers import BFloat16OptimWrapper, MultiOptimWrapperConstructor
from mmdfkd.models.memories import Batch


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


@pytest.mark.parametrize(('key', 'steps'), [('generator', 'g_steps'), ('student', 'kd_steps')])
def test_gradients_over_the_end_of_a_round_are_an_error(key, steps):
    model = toy_dedfkd(**{steps: 6})
    toy_optim_wrapper(model, **{key: dict(accumulative_counts=3)})
    message = rf'accumulative_counts of {key} should divide its 6 steps a round, but got 4.*{steps}'
    with pytest.raises(ValueError, match=message):
        toy_optim_wrapper(model, **{key: dict(accumulative_counts=4)})


@pytest.mark.parametrize(('toy', 'key'), [(toy_cmi, 'head'), (toy_fast_datafree, 'generator')])
def test_what_has_no_steps_to_gather_is_not_accumulated(toy, key):
    with pytest.raises(ValueError, match=f'accumulative_counts of {key} should be 1 for'):
        toy_optim_wrapper(toy(), **{key: dict(accumulative_counts=2)})


@pytest.mark.parametrize(('toy', 'key'), [(toy_cmi, 'head'), (toy_fast_datafree, 'generator')])
def test_a_precision_that_no_pass_would_have_is_an_error(toy, key):
    toy_optim_wrapper(toy(), student=dict(type=BFloat16OptimWrapper))
    with pytest.raises(ValueError, match=rf'optim_wrapper\.{key}\.type of \w+ should be OptimWrap'):
        toy_optim_wrapper(toy(), **{key: dict(type=BFloat16OptimWrapper)})


def student_update(**options):
    """What a step on fixed images adds to the student's weights at a learning rate of 1."""
    torch.manual_seed(0)
    model = toy_dedfkd(augment=None)
    before = snapshot(model.student)
    batch = Batch(torch.rand(6, 3, 8, 8) * 255)
    wrapper = toy_optim_wrapper(model, lr=1.0, student=options)
    model.student_step(batch, wrapper['student'])
    moves = [p.detach() - before[name] for name, p in model.student.named_parameters()]
    return torch.cat([move.flatten() for move in moves])


def test_gradients_are_clipped_and_their_norm_logged_by_key():
    plain = student_update()
    norm = float(plain.square().sum().sqrt())
    clipped = student_update(clip_grad=dict(max_norm=norm / 4))
    torch.testing.assert_close(clipped, plain / 4, rtol=1e-4, atol=1e-7)
    scalars = MessageHub.get_current_instance().log_scalars
    assert scalars['train/student/grad_norm'].current() == pytest.approx(norm, rel=1e-4)
    by_value = student_update(clip_grad=dict(type='value', clip_value=1e-3))
    torch.testing.assert_close(by_value, plain.clamp(-1e-3, 1e-3), rtol=1e-4, atol=1e-7)


def test_keys_may_share_a_clipping():
    shared = dict(clip_grad=dict(type='value', clip_value=1e-3))
    wrapper = toy_optim_wrapper(toy_dedfkd(), generator=shared, student=shared)
    for key in ('generator', 'student'):
        assert wrapper[key].clip_func is torch.nn.utils.clip_grad_value_
    assert shared['clip_grad']['type'] == 'value'
