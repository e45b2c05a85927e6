import pytest
import torch
from toy import toy_dedfkd, toy_labels, toy_optim_wrapper
from toy_run import toy_runner

HALF = dict(rtol=2**-11, atol=1e-6)  # the logits are kept in half precision


def keeps_views(**overrides):
    """A toy distiller with a memory of 3 labelled views, and its optimisers, after a round."""
    model = toy_dedfkd(num_views=3, **overrides)
    model.train()
    wrapper = toy_optim_wrapper(model)
    model.train_step(toy_labels(), wrapper)
    return model, wrapper


@pytest.mark.parametrize('capacity', [20, 8])
def test_labelled_views_have_the_logits_that_the_teacher_gives_them(capacity):
    model, wrapper = keeps_views(capacity=capacity)
    model.train_step(toy_labels(), wrapper)
    slots = torch.arange(len(model.memory))
    seen = set()
    for _ in range(50):
        views, logits = model.memory.recall(slots, model.augment)
        expected = model.teacher.network((views - 100) / 50)
        torch.testing.assert_close(logits, expected, **HALF)
        seen.add(tuple(logits[0].tolist()))
    assert seen == {tuple(logits) for logits in model.memory.logits[0].tolist()}


def test_a_round_with_a_labelled_memory_counts_its_teacher_passes():
    model, wrapper = keeps_views(g_steps=2, kd_steps=9)
    passes = []
    model.teacher.register_forward_hook(lambda *_: passes.append(1))
    model.train_step(toy_labels(), wrapper)
    assert len(passes) == 2 + 3


def test_the_student_step_is_the_same_with_the_very_view():
    model, wrapper = keeps_views()
    batch = model.memory.recall(torch.arange(6), model.augment)
    inputs = model.normalize(batch.images)
    expected = model.student_losses(inputs, model.teacher(inputs).logits)['loss_kd']
    log = model.student_step(batch, wrapper['student'])
    torch.testing.assert_close(log['loss_kd'], expected.detach(), rtol=1e-3, atol=1e-6)


def test_labelled_views_are_saved_with_the_images():
    model, _ = keeps_views()
    other = toy_dedfkd(num_views=3)
    other.load_state_dict(model.state_dict(), strict=False)
    assert torch.equal(other.memory.logits, model.memory.logits)
    assert torch.equal(other.memory.draws, model.memory.draws)
    assert model.memory.logits[:6].any()


def test_a_resume_with_labelled_views_is_exact(tmp_path):
    def state(name, **kwargs):
        torch.manual_seed(0)
        model = toy_dedfkd(num_views=4)
        toy_runner(tmp_path / name, 4, checkpoint_interval=2, model=model, **kwargs).train()
        return torch.load(tmp_path / name / 'iter_4.pth', weights_only=True)['state_dict']

    whole = state('whole')
    resumed = state('resumed', resume=True, load_from=str(tmp_path / 'whole/iter_2.pth'))
    assert whole.keys() == resumed.keys()
    assert [name for name, value in whole.items() if not value.equal(resumed[name])] == []
