import pytest
import torch
from toy import toy_dedfkd, toy_labels, toy_optim_wrapper


def keeps_views(**overrides):
    """A toy distiller with 3 fixed views, and its optimisers, after a round."""
    model = toy_dedfkd(fixed_views=3, **overrides)
    model.train()
    wrapper = toy_optim_wrapper(model)
    model.train_step(toy_labels(), wrapper)
    return model, wrapper


@pytest.mark.parametrize('capacity', [20, 8])
def test_fixed_views_have_the_logits_that_the_teacher_gives_them(capacity):
    model, wrapper = keeps_views(bank_capacity=capacity)
    model.train_step(toy_labels(), wrapper)
    slots = torch.arange(len(model.bank))
    seen = set()
    for _ in range(20):
        draws, logits = model.fixed_views.sample(slots)
        views = (model.augment(model.bank[slots], draws) - 100) / 50
        torch.testing.assert_close(logits, model.teacher.network(views))
        seen.add(tuple(draws[0].tolist()))
    assert len(seen) == 3


def test_a_round_with_fixed_views_counts_its_teacher_passes():
    model, wrapper = keeps_views(g_steps=2, kd_steps=9)
    passes = []
    model.teacher.register_forward_hook(lambda *_: passes.append(1))
    model.train_step(toy_labels(), wrapper)
    assert len(passes) == 2 + 3


def test_the_student_step_is_the_same_with_the_very_view():
    model, wrapper = keeps_views()
    slots = torch.arange(6)
    draws, logits = model.fixed_views.draws[slots, 0], model.fixed_views.logits[slots, 0]
    inputs = model.view(slots, draws)
    expected = model.kd_loss(inputs, model.teacher(inputs).logits)
    model.fixed_views.sample = lambda slots: (draws, logits)
    log = model.student_step(slots, wrapper['student'])
    torch.testing.assert_close(log['loss_kd'], expected.detach())


def test_fixed_views_are_saved_with_the_bank():
    model, _ = keeps_views()
    other = toy_dedfkd(fixed_views=3)
    other.load_state_dict(model.state_dict(), strict=False)
    assert torch.equal(other.fixed_views.logits, model.fixed_views.logits)
    assert torch.equal(other.fixed_views.draws, model.fixed_views.draws)
    assert model.fixed_views.logits[:6].any()
