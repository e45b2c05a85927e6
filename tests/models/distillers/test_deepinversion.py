from collections import Counter

import pytest
import torch
from torch.nn import functional as F
from toy import changed, snapshot, toy_labels, toy_optim_wrapper
from toy_methods import toy_deepinversion, without_generator

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import DeepInversion
from mmdfkd.models.distillers.deepinversion import jitter
from mmdfkd.models.losses import AdversarialLoss


def synthesize(model, num=6):
    return model.synthesize(toy_labels(num)['label'], toy_optim_wrapper(model))


def test_losses_are_the_formulas():
    model = toy_deepinversion().eval()
    images, labels = torch.rand(6, 3, 8, 8) * 255, toy_labels()['label']
    losses = model.image_losses(images, labels)
    inputs = (images - 100) / 50
    conv, norm = model.teacher.network[:2]
    logits, maps = model.teacher.network(inputs), conv(inputs)
    var, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
    bn = (mean - norm.running_mean).norm() + (var - norm.running_var).norm()
    torch.testing.assert_close(losses['loss_ce'], F.cross_entropy(logits, labels))
    torch.testing.assert_close(losses['loss_bn'], 2 * 3 * bn)  # its one layer is the first
    torch.testing.assert_close(losses['loss_l2'], 0.01 * inputs.flatten(1).norm(dim=1).mean())
    right, down = inputs.diff(dim=3).norm(), inputs.diff(dim=2).norm()
    falling = (inputs[..., 1:, 1:] - inputs[..., :-1, :-1]).norm()
    rising = (inputs[..., 1:, :-1] - inputs[..., :-1, 1:]).norm()
    torch.testing.assert_close(losses['loss_tv'], 0.01 * (right + down + falling + rising))
    student = model.student.network(inputs)
    expected = model.loss_compete(student, logits)
    torch.testing.assert_close(losses['loss_compete'], expected)


def test_only_images_are_optimised():
    model = toy_deepinversion()
    model.train()
    before = snapshot(model)
    synthesize(model)
    assert changed(model, before) == {'memory.images', 'memory.num_added.count'}
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.student.training


@pytest.mark.parametrize('last', [2, 4])  # a step before the end, or the last
def test_the_best_images_are_remembered_as_they_were(last):
    model = toy_deepinversion(inversion_steps=5, jitter=0, flip=False)
    seen, losses_of = [], model.image_losses

    def watched(images, labels):
        losses = losses_of(images, labels)
        if len(seen) == last:
            losses['loss_ce'] = losses['loss_ce'] - 1000  # this step is the best
        seen.append(images.detach().clone())
        return losses

    model.image_losses = watched
    synthesize(model)
    expected = seen[last].round().to(torch.uint8)
    assert model.memory.images[:6].equal(expected)
    assert not seen[last].equal(seen[last - 1])


def test_the_loss_falls_and_pixels_stay_pixels():
    model = toy_deepinversion(inversion_steps=60, optimizer=dict(type='Adam', lr=0.5))
    seen, losses_of = [], model.image_losses

    def watched(images, labels):
        seen.append(images.detach().clone())
        return losses_of(images, labels)

    model.image_losses = watched
    logs = synthesize(model, num=12)
    assert torch.stack(seen).min() > -1e-3
    assert torch.stack(seen).max() < 255 + 1e-3
    totals = [float(log['loss']) for log in logs]
    assert sum(totals[-10:]) / 10 < 0.7 * totals[0]
    assert logs[-1]['label_agreement'] > logs[0]['label_agreement']


@pytest.mark.parametrize('compete', [None, AdversarialLoss(divergence='js')])
def test_a_step_counts_its_passes(compete):
    model = toy_deepinversion(loss_compete=compete, inversion_steps=3)
    passes = Counter()
    for name in ('teacher', 'student'):
        getattr(model, name).register_forward_pre_hook(lambda *_, name=name: passes.update([name]))
    synthesize(model)
    assert passes == Counter(teacher=3, student=3 if compete else 0)


def test_jitter_rolls_and_mirrors_the_whole_batch():
    images = torch.rand(2, 3, 4, 4)
    moved = {
        (down, right, flip): torch.roll(images, (down, right), (2, 3)).flip(3)
        if flip
        else torch.roll(images, (down, right), (2, 3))
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        for flip in (False, True)
    }
    found = [
        next(how for how, expected in moved.items() if expected.equal(result))
        for result in (jitter(images, 1, flip=True) for _ in range(400))
    ]
    assert set(found) == set(moved)
    assert jitter(images, 0, flip=False).equal(images)


def test_a_teacher_without_batch_norms_is_refused():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3))
    with pytest.raises(ValueError, match='batch norms'):
        toy_deepinversion(teacher=Classifier(network))


def test_it_needs_a_memory():
    parts = without_generator(memory=None)
    with pytest.raises(ValueError, match='memory should be the config of one'):
        DeepInversion(inversion_steps=1, optimizer={}, loss_ce=None, loss_bn=None, **parts)


@pytest.mark.parametrize('option', [dict(jitter=-1), dict(jitter=1.5), dict(flip='no')])
def test_options_are_checked(option):
    with pytest.raises(ValueError, match=f'{next(iter(option))} should be'):
        toy_deepinversion(**option)
