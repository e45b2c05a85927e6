import pytest
import torch
from torch.nn import functional as F
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import toy_mad, toy_unconditional

from mmdfkd.models.losses import ClassConditionLoss
from mmdfkd.models.losses.adversarial import kl_divergence
from mmdfkd.models.losses.bn_statistics import bn_statistics_loss
from mmdfkd.models.memories import ImageMemory
from mmdfkd.models.utils import BNRecorder


def test_losses_are_the_formulas():
    model = toy_mad().eval()
    inputs, labels = torch.randn(6, 3, 8, 8), toy_labels()['label']
    losses = model.generator_losses(inputs, torch.randn(6, 5), labels)
    with BNRecorder(model.teacher) as recorder:
        t = model.teacher(inputs).logits
    expected = {
        'loss_adv': -kl_divergence(model.student(inputs).logits, t).mean(),
        'loss_ce': 0.5 * F.cross_entropy(t, labels),
        'loss_bn': 2.0 * bn_statistics_loss(recorder.statistics),
    }
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_the_average_is_that_of_the_generators_after_each_round():
    model = toy_mad(momentum=0.75)
    wrapper = toy_optim_wrapper(model)
    labels = toy_labels()['label']
    averages = None
    for _ in range(4):
        model.train()
        model.synthesize(labels, wrapper)
        model.rounds.add(1)
        now = snapshot(model.generator)
        if averages is None:
            averages = now
        else:
            averages = {
                name: 0.75 * averages[name] + 0.25 * value if value.is_floating_point() else value
                for name, value in now.items()
            }
    for name, value in model.ema_generator.state_dict().items():
        torch.testing.assert_close(value, averages[name])


@pytest.mark.parametrize('layer', ['', 'dense'])
def test_the_average_begins_anew_with_a_generator(layer):
    """It was mixed with the one before."""
    model = toy_mad(momentum=0.75)
    wrapper = toy_optim_wrapper(model)
    for is_new in (True, False, True, False):
        if is_new and int(model.rounds):
            model.restart(wrapper, layer)
        model.train_step(toy_labels(), wrapper)
        live = dict(model.generator.named_parameters())
        pairs = model.ema_generator.named_parameters()
        assert all(average.equal(live[name]) for name, average in pairs) == is_new


def test_no_optimiser_has_the_average_and_no_pass_changes_it():
    model = toy_mad()
    wrapper = toy_optim_wrapper(model)
    trained = {
        id(p)
        for key in ('generator', 'student')
        for group in wrapper[key].optimizer.param_groups
        for p in group['params']
    }
    assert not trained & {id(p) for p in model.ema_generator.parameters()}
    model.train_step(toy_labels(), wrapper)
    before = snapshot(model.ema_generator)
    model.train()
    for _ in range(3):
        batch = model.sample(0, toy_labels()['label'])
        model.student_step(batch, wrapper['student'])
    assert not changed(model.ema_generator, before)
    assert not any(p.requires_grad or p.grad is not None for p in model.ema_generator.parameters())


def test_it_is_saved_and_resumed():
    model = toy_mad()
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    other = toy_mad()
    other.load_state_dict(model.state_dict())
    assert not changed(other.ema_generator, snapshot(model.ema_generator))


def test_the_student_learns_from_both_generators_in_one_pass():
    model = toy_mad(kd_steps=3, g_steps=1)
    wrapper = toy_optim_wrapper(model)
    shown = []
    model.student.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach()))
    log = model.train_step(toy_labels(6), wrapper)
    assert [len(images) for images in shown] == [6, 12, 12, 12]
    assert len(torch.cat(shown).flatten(1).unique(dim=0)) == 6 + 3 * 12
    assert {'student/loss_kd', 'student/loss_kd_ema'} < set(log)


def test_each_half_has_a_loss_of_its_own():
    model = toy_mad()
    inputs, target = torch.randn(8, 3, 8, 8), torch.randn(8, 3)
    model.student.eval()
    losses = model.student_losses(inputs, target)
    logits = model.student(inputs).logits
    tau = 4.0
    live, recalled = (
        tau**2 * kl_divergence(logits[half] / tau, target[half] / tau).mean()
        for half in (slice(4), slice(4, 8))
    )
    torch.testing.assert_close(losses['loss_kd'], live)
    torch.testing.assert_close(losses['loss_kd_ema'], 0.5 * recalled)


def test_in_the_warm_up_the_generator_learns_without_the_adversary():
    model = toy_mad(warmup_rounds=1)
    student = snapshot(model.student)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert set(log) == {'generator/loss', 'generator/loss_ce', 'generator/loss_bn'}
    assert not changed(model.student, student)


def test_an_unconditional_generator_needs_no_class_condition():
    model = toy_mad(generator=toy_unconditional(), loss_ce=None, loss_bn=None)
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert {name for name in log if name.startswith('generator/')} == {
        'generator/loss',
        'generator/loss_adv',
    }


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(momentum=1.0), r'momentum should be in \[0, 1\), but got 1.0'),
        (dict(memory=ImageMemory(20)), 'memory should be None for MAD'),
        (
            dict(generator=toy_unconditional(), loss_ce=None, loss_bn=None, warmup_rounds=1),
            'warmup_rounds should be 0 for MAD',
        ),
    ],
)
def test_arguments_are_checked(wrong, message):
    with pytest.raises(ValueError, match=message):
        toy_mad(**wrong)


def test_a_class_condition_needs_a_generator_that_is_told_the_class():
    with pytest.raises(ValueError, match='UnconditionalGenerator ignores labels'):
        toy_mad(generator=toy_unconditional(), loss_ce=ClassConditionLoss(1.0))
