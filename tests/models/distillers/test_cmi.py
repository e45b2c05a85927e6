from collections import Counter

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from torch.nn import functional as F
from toy import (
    changed,
    snapshot,
    toy_labels,
    toy_network,
    toy_optim_wrapper,
    without_batch_norm,
)
from toy_methods import toy_cmi

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers import cmi as module
from mmdfkd.models.generators import ConditionalGenerator, UnconditionalGenerator


def synthesize(model, wrapper=None, num=6):
    return model.synthesize(toy_labels(num)['label'], wrapper or toy_optim_wrapper(model))


def means_of(network, inputs):
    """Each image's means of what the batch norm of a toy network sees."""
    return network[0](inputs).mean((2, 3))


def unmoved(model):
    model._view = lambda images, augment: model.normalize(images)
    return model


def test_losses_are_the_formulas():
    model = unmoved(toy_cmi().eval())
    past = torch.randn(4, 12)
    model.bank.add(past)
    images, labels = torch.rand(6, 3, 8, 8) * 255, toy_labels()['label']
    losses = model.inversion_losses(images, labels)
    inputs = (images - 100) / 50
    logits, features = model.teacher.network(inputs), means_of(model.teacher.network, inputs)
    torch.testing.assert_close(losses['loss_ce'], F.cross_entropy(logits, labels))
    student = model.student.network(inputs)
    agree = (student.argmax(1) == logits.argmax(1)).float()
    divergence = F.kl_div(student.log_softmax(1), logits.softmax(1), reduction='none').sum(1)
    torch.testing.assert_close(losses['loss_adv'], -0.5 * (agree * divergence).mean())
    local = model.head(torch.cat([features, past[:, :6]]))
    overall = model.head(torch.cat([features, past[:, 6:]]))
    each = F.cross_entropy(local @ overall.t() / 0.1, torch.arange(10), reduction='none')
    expected = 0.8 * (each[:6].mean() + each[6:].mean())
    torch.testing.assert_close(losses['loss_cr'], expected)


def test_a_batch_trains_the_discriminator_and_no_network_else():
    model = toy_cmi()
    model.train()
    before = snapshot(model)
    logs = synthesize(model)
    kept = {'memory.images', 'memory.num_added.count', 'bank.features', 'bank.num_added.count'}
    head = {
        f'head.{layer}.{kind}' for layer in ('hidden', 'embedding') for kind in ('weight', 'bias')
    }
    assert changed(model, before) == kept | head
    assert all(parameter.grad is None for parameter in model.parameters())
    assert {'loss_ce', 'loss_bn', 'loss_cr', 'loss_adv', 'label_agreement', 'loss'} == set(logs[0])
    assert len(logs) == 3


def test_the_discriminators_optimiser_keeps_its_memory():
    model = toy_cmi()
    wrapper = toy_optim_wrapper(
        model, head=dict(type=OptimWrapper, optimizer=dict(type=torch.optim.Adam, lr=1e-3))
    )
    for _ in range(2):
        model.train_step(toy_labels(), wrapper)
    state = wrapper['head'].optimizer.state_dict()['state']
    assert {float(moments['step']) for moments in state.values()} == {6}


def test_every_batch_has_a_generator_of_its_own(monkeypatch):
    made = []
    monkeypatch.setattr(module, 'dcgan_init', made.append)
    model = toy_cmi()
    for _ in range(2):
        synthesize(model)
    first, second = (generator.dense.weight for generator in made)
    assert first is not second
    assert not first.equal(second)
    assert not any('generator' in name for name in model.state_dict())
    assert model.sources == ('memory',)


def test_the_memory_has_the_features_of_the_images_that_are_kept():
    model = unmoved(toy_cmi())
    images = []
    model.remember = lambda pixels, _: images.append(pixels)
    for _ in range(2):
        synthesize(model)
    features = means_of(model.teacher.network, model.normalize(torch.cat(images)))
    expected = torch.cat([features, features], dim=1)  # of both views
    torch.testing.assert_close(model.bank.features[:12], expected)


def test_a_step_counts_its_passes():
    for loss_adv, expected in ((None, 0), (toy_cmi().loss_adv, 3)):
        model, passes = toy_cmi(loss_adv=loss_adv), Counter()
        for name in ('teacher', 'student', 'head'):
            getattr(model, name).register_forward_pre_hook(
                lambda *_, name=name, passes=passes: passes.update([name])
            )
        synthesize(model)
        # Two views a step, and two of the images that are kept; the head sees new and past apart.
        assert passes == Counter(teacher=3 * 2 + 2, student=expected, head=3 * 3)


def test_features_may_be_those_of_named_layers():
    network = toy_network(6)
    model = toy_cmi(teacher=Classifier(network), feature_layers=['0', '1'])
    assert model.head.hidden.in_features == 3 + 6
    synthesize(unmoved(model))
    assert model.bank.features.shape == (16, 18)


@pytest.mark.parametrize('layers', [None, ['1']])
def test_features_are_of_the_batch_norms_that_a_runner_puts_in_place(layers):
    """With sync_bn it replaces those that there were at the start."""
    model = unmoved(toy_cmi(feature_layers=layers))
    images = torch.rand(6, 3, 8, 8) * 255
    before = model._features(model.normalize(images))
    network = model.teacher.network
    model.teacher.network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    assert isinstance(model.teacher.network[1], nn.SyncBatchNorm)
    assert before.equal(model._features(model.normalize(images)))
    synthesize(model)


def test_crops_of_an_image_are_found_after_training():
    """The discriminator learns what the loss asks of it."""
    model = toy_cmi(inversion_steps=40)
    wrapper = toy_optim_wrapper(model, head=dict(optimizer=dict(type=torch.optim.Adam, lr=1e-2)))
    logs = synthesize(model, wrapper)
    values = [float(log['loss_cr']) for log in logs]
    assert sum(values[-5:]) < 0.8 * sum(values[:5])


def test_a_teacher_without_batch_norms_is_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    with pytest.raises(ValueError, match='batch norms'):
        toy_cmi(teacher=Classifier(network))


@pytest.mark.parametrize('name', ['head_dim', 'bank_size', 'num_negatives'])
def test_numbers_are_checked(name):
    with pytest.raises(ValueError, match=f'{name} should be a whole number over 0, but got 0'):
        toy_cmi(**{name: 0})


def test_a_generator_that_cannot_serve_is_refused():
    config = dict(latent_dim=5, image_size=8, base_channels=2)
    with pytest.raises(TypeError, match='generator should be a config for CMI'):
        toy_cmi(generator=UnconditionalGenerator(**config))
    other = dict(type=ConditionalGenerator, num_classes=5, **config)
    with pytest.raises(ValueError, match='should have as many classes'):
        toy_cmi(generator=other)


def test_a_loss_or_a_teacher_without_batch_norm_is_refused():
    with pytest.raises(ValueError, match='loss_bn should be the config of a loss, but got None'):
        toy_cmi(loss_bn=None)
    teacher = Classifier(without_batch_norm(toy_network(6)))
    with pytest.raises(ValueError, match='without any; take a method that needs none'):
        toy_cmi(teacher=teacher)
