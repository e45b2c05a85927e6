import pytest
import torch
from toy import changed, snapshot, toy_labels, toy_network, toy_optim_wrapper, without_batch_norm
from toy_methods import toy_dfq

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.losses.adversarial import kl_divergence
from mmdfkd.models.losses.bn_statistics import bn_divergence_loss
from mmdfkd.models.utils import BNRecorder


def test_losses_are_the_formulas():
    model = toy_dfq().eval()
    inputs = torch.randn(6, 3, 8, 8)
    losses = model.generator_losses(inputs, torch.randn(6, 5), toy_labels()['label'])
    with BNRecorder(model.teacher) as recorder:
        t = model.teacher(inputs).logits
    p = t.softmax(1)
    expected = {
        'loss_adv': -kl_divergence(model.student(inputs).logits, t).mean(),
        'loss_bn': 0.5 * bn_divergence_loss(recorder.statistics),
        'loss_instance': -0.7 * (p * p.log()).sum(1).mean(),
        'loss_batch': 3.0 * (p.mean(0) * p.mean(0).log()).sum(),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_in_the_warm_up_the_generator_learns_alone():
    model = toy_dfq(warmup_rounds=2, g_steps=1, kd_steps=2)
    wrapper = toy_optim_wrapper(model)
    shown = []
    model.student.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0]))
    student, generator = snapshot(model.student), snapshot(model.generator)
    logs = [model.train_step(toy_labels(), wrapper) for _ in range(2)]
    assert not shown
    assert not changed(model.student, student)
    assert changed(model.generator, generator)
    for log in logs:
        assert set(log) == {
            'generator/loss',
            'generator/loss_bn',
            'generator/loss_instance',
            'generator/loss_batch',
        }
    log = model.train_step(toy_labels(), wrapper)
    assert len(shown) == 1 + 2
    assert {'generator/loss_adv', 'student/loss_kd'} < set(log)


def test_the_warm_up_is_over_after_a_resume():
    model = toy_dfq(warmup_rounds=1)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    resumed = toy_dfq(warmup_rounds=1)
    resumed.load_state_dict(model.state_dict())
    assert not resumed.warming_up


def test_every_student_step_sees_new_images():
    model = toy_dfq(g_steps=1, kd_steps=4)
    shown = []
    model.student.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(torch.stack(shown).flatten(1).unique(dim=0)) == 1 + 4


def test_a_teacher_without_batch_norms():
    with pytest.raises(ValueError, match='the teacher should have batch norms for loss_bn'):
        toy_dfq(teacher=Classifier(without_batch_norm(toy_network(6))))
