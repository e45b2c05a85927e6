import pytest
import torch
from torch.nn import functional as F
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import toy_dafl, toy_dafl_memory

from mmdfkd.models.losses import AdversarialLoss, BNStatisticsLoss
from mmdfkd.models.utils import ShiftFlip


def teacher_passes(model):
    """The inputs of every teacher pass from now on."""
    passes = []
    model.teacher.register_forward_pre_hook(lambda _, inputs: passes.append(inputs[0].detach()))
    return passes


def test_losses_are_the_formulas():
    model = toy_dafl().eval()
    inputs = torch.randn(6, 3, 8, 8)
    losses = model.generator_losses(inputs, torch.randn(6, 5), toy_labels()['label'])
    t, features = model.teacher(inputs)
    mean = t.softmax(1).mean(0)
    torch.testing.assert_close(losses['loss_pseudo_label'], F.cross_entropy(t, t.argmax(1)))
    torch.testing.assert_close(losses['loss_entropy'], 2.17 * (mean * mean.log()).sum())
    torch.testing.assert_close(losses['loss_act'], -0.1 * features.abs().mean())


@pytest.mark.parametrize('build', [toy_dafl, toy_dafl_memory])
def test_a_round_trains_both(build):
    model = build()
    student, generator = snapshot(model.student), snapshot(model.generator)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert {'generator/loss_entropy', 'student/loss_kd'} <= set(log)
    assert changed(model.student, student)
    assert changed(model.generator, generator)


def test_the_companions_are_logged():
    model = toy_dafl_memory(loss_adv=AdversarialLoss(), loss_bn=BNStatisticsLoss())
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert {'generator/loss_adv', 'generator/loss_bn'} <= set(log)


def test_the_adversary_waits_for_the_warm_up():
    model = toy_dafl_memory(loss_adv=AdversarialLoss(), warmup_rounds=1)
    wrapper = toy_optim_wrapper(model)
    assert 'generator/loss_adv' not in model.train_step(toy_labels(), wrapper)
    assert 'generator/loss_adv' in model.train_step(toy_labels(), wrapper)


def test_the_student_learns_from_the_generators_own_batch_in_one_teacher_pass():
    model = toy_dafl(g_steps=1, kd_steps=1)
    passes = teacher_passes(model)
    seen = []
    model.student.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(passes) == len(seen) == 1
    assert seen[0].equal(passes[0])


def test_its_loss_is_that_of_the_logits_of_this_pass():
    model = toy_dafl(g_steps=2, kd_steps=2)
    passes = teacher_passes(model)
    before = [parameter.clone() for parameter in model.student.parameters()]
    wrapper = toy_optim_wrapper(model, lr=0.0)
    log = model.train_step(toy_labels(), wrapper)
    assert len(passes) == 2  # of the generator's steps
    expected = model.loss_kd(model.student(passes[1]).logits, model.teacher(passes[1]).logits)
    torch.testing.assert_close(log['student/loss_kd'], expected.detach())
    assert all(a.equal(b) for a, b in zip(before, model.student.parameters(), strict=True))


def test_no_gradient_of_the_student_reaches_the_generator():
    model = toy_dafl(g_steps=1, kd_steps=1)
    wrapper = toy_optim_wrapper(model)
    labels = toy_labels()['label']
    model.synthesize(labels, wrapper)
    generator = snapshot(model.generator)
    batch = model.sample(0, labels)
    assert not batch.images.requires_grad
    assert not batch.teacher_logits.requires_grad
    model.student_step(batch, wrapper['student'])
    assert not changed(model.generator, generator)


def test_with_a_memory_the_student_learns_from_it():
    model = toy_dafl_memory(g_steps=1, kd_steps=2)
    passes = teacher_passes(model)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(passes) == 3
    assert len(model.memory) == 6


def test_without_a_memory_an_augmentation_has_no_place():
    with pytest.raises(ValueError, match=r'augment should be None for DAFL.*own batch'):
        toy_dafl(augment=ShiftFlip())
