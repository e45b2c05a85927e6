import pytest
import torch
from mmengine.logging import MMLogger
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import toy_nayer, toy_unconditional

from mmdfkd.models.distillers.frame.parts import start_anew
from mmdfkd.models.generators import NoisyLabelGenerator
from mmdfkd.models.losses import BNStatisticsLoss


def test_every_inversion_draws_new_noise_and_goes_on_with_the_generator():
    model = toy_nayer(inversions=2, inversion_steps=3)
    drawn, weights, draw = [], [], model.generator.draw_noise

    def noting(num):
        weights.append(model.generator.decoder.dense.weight.detach().clone())
        drawn.append([part.detach().clone() for part in draw(num)])
        return [part.clone().requires_grad_() for part in drawn[-1]]

    model.generator.draw_noise = noting
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len(drawn) == 2
    assert not drawn[0][0].equal(drawn[1][0])
    assert not weights[0].equal(weights[1])
    assert int(model.loss_bn.num_batches) == 2
    assert len(model.memory) == 12
    assert {'synthesis/loss_ce', 'synthesis/loss_bn', 'synthesis/loss_adv'} <= set(log)


def test_a_generator_lives_for_so_many_rounds():
    model = toy_nayer(generator_life=2)
    wrapper = toy_optim_wrapper(model)
    started = []
    model.invert = lambda variables, *_, **__: (
        started.append(snapshot(model.generator))
        or (
            torch.zeros(6, 3, 8, 8),
            [{'loss': torch.zeros(())}],
        )
    )
    model.loss_bn.update = lambda: None
    for _ in range(4):
        model.train_step(toy_labels(), wrapper)
    same = [not changed(model.generator, state) for state in started]
    assert same == [False, False, True, True]
    assert started[0]['codes'].equal(started[3]['codes'])


def test_a_new_generator_is_not_told_to_the_log_parameter_by_parameter(monkeypatch):
    told = []
    monkeypatch.setattr(MMLogger, 'info', lambda self, message: told.append(message))
    model = toy_nayer()
    weights = snapshot(model.generator)
    start_anew(model.generator, model._generator_config)
    assert 'decoder.dense.weight' in changed(model.generator, weights)
    assert not told


def test_warm_up_rounds_take_more_inversions_and_no_student_steps():
    model = toy_nayer(warmup_rounds=1, warmup_inversions=3, inversions=1)
    wrapper = toy_optim_wrapper(model)
    student = snapshot(model.student)
    log = model.train_step(toy_labels(), wrapper)
    assert not any('student' in name or 'adv' in name for name in log)
    assert not changed(model.student, student)
    assert int(model.loss_bn.num_batches) == 3
    log = model.train_step(toy_labels(), wrapper)
    assert int(model.loss_bn.num_batches) == 4
    assert {'synthesis/loss_adv', 'student/loss_kd'} <= set(log)


def test_a_round_counts_its_passes_and_leaves_no_gradient():
    model = toy_nayer(inversions=2, inversion_steps=4, kd_steps=3)
    passes = {'teacher': 0, 'student': 0}
    for name in passes:
        part = getattr(model, name)
        part.register_forward_hook(lambda *_, name=name: passes.update({name: passes[name] + 1}))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert passes == {'teacher': 8 + 3, 'student': 8 + 3}
    assert all(parameter.grad is None for parameter in model.parameters())
    assert 'generator' not in model.optimised


def test_images_follow_the_labels():
    """After enough steps the teacher sees the classes that were asked for."""
    torch.manual_seed(0)
    optimizer = dict(type=torch.optim.Adam, lr=0.02, betas=(0.5, 0.999))
    model = toy_nayer(inversion_steps=40, optimizer=optimizer, augment=None)
    model.loss_bn.loss_weight, model.loss_ce.loss_weight = 0.01, 1.0
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    images = model.memory[model.memory.newest(6)]
    seen = model.teacher(model.normalize(images)).logits.argmax(1)
    assert (seen == toy_labels()['label']).float().mean() > 0.8


def test_parts_of_another_method_are_refused():
    with pytest.raises(ValueError, match=r"UnconditionalGenerator has no \['draw_noise'"):
        toy_nayer(generator=toy_unconditional())
    with pytest.raises(TypeError, match='generator should be a config for NAYER'):
        toy_nayer(generator=NoisyLabelGenerator(3, 7, 5, image_size=8, base_channels=2))
    with pytest.raises(ValueError, match='loss_bn of NAYER should be a RunningBNStatisticsLoss'):
        toy_nayer(loss_bn=BNStatisticsLoss())
