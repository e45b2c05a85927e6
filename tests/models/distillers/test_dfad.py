import torch
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import toy_dfad


def test_the_generator_is_paid_for_the_difference_of_the_logits():
    model = toy_dfad().eval()
    inputs = torch.randn(6, 3, 8, 8)
    losses = model.generator_losses(inputs, torch.randn(6, 5), toy_labels()['label'])
    teacher, student = model.teacher(inputs).logits, model.student(inputs).logits
    pairs = zip(teacher.flatten(), student.flatten(), strict=True)
    expected = -sum(abs(t - s) for t, s in pairs) / teacher.numel()
    assert losses.keys() == {'loss_adv'}
    torch.testing.assert_close(losses['loss_adv'], expected)


def test_every_student_step_sees_new_images_of_the_live_generator():
    model = toy_dfad(g_steps=1, kd_steps=5)
    shown = []
    model.student.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(torch.stack(shown).flatten(1).unique(dim=0)) == 1 + 5  # the generator's step first
    assert {'generator/loss_adv', 'student/loss_kd'} <= set(log)


def test_only_the_generators_own_step_changes_its_weights():
    model = toy_dfad()
    wrapper = toy_optim_wrapper(model)
    labels = toy_labels()['label']
    weights = [parameter.clone() for parameter in model.generator.parameters()]
    model.student_step(model.sample(0, labels), wrapper['student'])
    assert all(a.equal(b) for a, b in zip(weights, model.generator.parameters(), strict=True))
    student = snapshot(model.student)
    model.synthesize(labels, wrapper)
    assert not changed(model.student, student)
    after = list(model.generator.parameters())
    assert not all(a.equal(b) for a, b in zip(weights, after, strict=True))
