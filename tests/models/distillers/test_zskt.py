import pytest
import torch
from toy import changed, snapshot, toy_labels, toy_network, toy_optim_wrapper
from toy_methods import toy_zskt

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses.adversarial import kl_divergence
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import ShiftFlip


def watch(network):
    shown = []
    network.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    return shown


def test_the_generator_is_paid_for_the_divergence():
    model = toy_zskt().eval()
    inputs = torch.randn(6, 3, 8, 8)
    losses = model.generator_losses(inputs, torch.randn(6, 5), toy_labels()['label'])
    expected = -kl_divergence(model.student(inputs).logits, model.teacher(inputs).logits).mean()
    assert losses.keys() == {'loss_adv'}
    torch.testing.assert_close(losses['loss_adv'], expected)


def test_the_student_takes_all_its_steps_on_one_batch_that_the_teacher_sees_once():
    model = toy_zskt(g_steps=1, kd_steps=10)
    model.train()
    teacher, student, generator = map(watch, (model.teacher, model.student, model.generator))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(teacher) == 2  # the generator's step, and the round's batch
    # The generator's step shows the student its images, too, but frozen.
    assert len(student) == 1 + 10
    assert all(images.equal(teacher[1]) for images in student[1:])
    assert not teacher[0].equal(teacher[1])  # the generator has learned in between
    assert len(generator) == 2
    assert generator[0].equal(generator[1])


def test_the_generators_steps_are_on_the_same_latents():
    model = toy_zskt(g_steps=3)
    latents = watch(model.generator)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(latents) == 4
    assert all(step.equal(latents[0]) for step in latents)


def test_logits_and_attention_are_the_students_losses():
    model = toy_zskt(g_steps=1, kd_steps=1)
    wrapper = toy_optim_wrapper(model)
    labels = toy_labels()['label']
    model.synthesize(labels, wrapper)
    batch = model.sample(0, labels)
    inputs = model.normalize(batch.images)
    losses = model.student_losses(inputs, batch.teacher_logits)
    assert losses.keys() == {'loss_kd', 'loss_at'}
    expected = 0.0
    for depth in (1, 3):
        found = model.student.network[:depth](inputs).pow(2).mean(1).flatten(1)
        wanted = model.teacher.network[:depth](inputs).pow(2).mean(1).flatten(1)
        difference = found / found.norm(dim=1)[:, None] - wanted / wanted.norm(dim=1)[:, None]
        expected = expected + 250 * difference.pow(2).mean()
    torch.testing.assert_close(losses['loss_at'], expected)
    losses['loss_at'].backward()
    assert model.student.network[0].weight.grad.abs().sum() > 0
    assert not any(parameter.grad is not None for parameter in model.generator.parameters())


def test_attention_can_be_left_out():
    model = toy_zskt(loss_at=None, teacher_layers=(), student_layers=())
    student = snapshot(model.student)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert 'student/loss_at' not in log
    assert changed(model.student, student)


def test_nothing_is_recorded_outside_the_two_passes():
    model = toy_zskt()
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    for network in (model.teacher.network, model.student.network):
        assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize('layers', [(), ('0',)])
def test_layers_are_checked(layers):
    with pytest.raises(ValueError, match='should name as many layers for loss_at'):
        toy_zskt(student_layers=layers)


def test_layers_without_a_loss_are_refused():
    with pytest.raises(ValueError, match='none without it, but got'):
        toy_zskt(loss_at=None)


@pytest.mark.parametrize('name', ['teacher', 'student'])
def test_a_layer_that_is_not_there_is_found_before_training(name):
    layers = {f'{name}_layers': ['0', 'block7']}
    with pytest.raises(ValueError, match=r"layers of Sequential, but got \['block7'\]"):
        toy_zskt(student=Classifier(toy_network(4)), **layers)


@pytest.mark.parametrize('part', [dict(memory=ImageMemory(20)), dict(augment=ShiftFlip())])
def test_the_student_sees_the_rounds_batch_alone(part):
    with pytest.raises(ValueError, match=f'{next(iter(part))} should be None for ZSKT'):
        toy_zskt(**part)
