import copy

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn
from toy import changed, snapshot, toy_labels, toy_network, toy_optim_wrapper
from toy_methods import toy_fast_datafree, toy_nayer

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.generators import ConditionalGenerator
from mmdfkd.models.losses import BNStatisticsLoss, RunningBNStatisticsLoss
from mmdfkd.models.utils import BNRecorder


def meta_gradients(model):
    """The gradients that the generator's optimiser receives in a round, by name."""
    wrapper = toy_optim_wrapper(model)
    gradients = {}

    def note(*_):
        for name, parameter in model.generator.named_parameters():
            gradients[name] = parameter.grad.clone()

    wrapper['generator'].optimizer.register_step_pre_hook(note)
    model.train_step(toy_labels(), wrapper)
    return gradients


def reference(model, latents, steps, adversary=True):
    """Losses and gradients of the inner loop, on a deep copy, by plain autograd."""
    generator = copy.deepcopy(model.generator).train()
    student = copy.deepcopy(model.student).eval()
    labels, latents = toy_labels()['label'], latents.clone().requires_grad_()
    groups = [{'params': generator.parameters()}, {'params': [latents], 'lr': model.latent_lr}]
    optimizer = torch.optim.Adam(groups, lr=3e-3, betas=(0.5, 0.999))
    sums = {name: torch.zeros_like(p) for name, p in generator.named_parameters()}
    losses = []
    for _ in range(steps):
        inputs = (generator(latents) - 100) / 50
        with BNRecorder(model.teacher) as recorder:
            t = model.teacher(inputs).logits
        s = student(inputs).logits
        loss = 0.4 * torch.nn.functional.cross_entropy(t, labels)
        loss = loss + BNStatisticsLoss(2.0)(recorder.statistics)
        if adversary:
            kl = (t.softmax(1) * (t.log_softmax(1) - s.log_softmax(1))).sum(1)
            loss = loss - 1.1 * (kl * (s.argmax(1) == t.argmax(1))).mean()
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in generator.named_parameters():
            sums[name] += parameter.grad
        optimizer.step()
        losses.append(loss.detach())
    return losses, sums, generator


@pytest.mark.parametrize('adversary', [True, False])
def test_fomaml_gathers_the_gradients_of_the_adapted_copy(adversary):
    torch.manual_seed(0)
    warmup = 0 if adversary else 1
    model = toy_fast_datafree(augment=None, inversion_steps=3, warmup_rounds=warmup)
    torch.manual_seed(1)
    losses, expected, _ = reference(model, torch.randn(6, 5), 3, adversary)
    logs = []
    steps = model.invert
    model.invert = lambda *args, **kwargs: (
        logs.append(steps(*args, **kwargs)[1])
        or (
            torch.zeros(6, 3, 8, 8),
            logs[0],
        )
    )
    torch.manual_seed(1)
    gradients = meta_gradients(model)
    torch.testing.assert_close([log['loss'] for log in logs[0]], losses)
    for name, gradient in gradients.items():
        if name != 'dense.bias':  # rounding's: the norm after it takes it out
            torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-4)


def test_reptile_goes_the_way_of_the_copy():
    torch.manual_seed(0)
    model = toy_fast_datafree(augment=None, inversion_steps=2, meta_update='reptile')
    torch.manual_seed(1)
    _, _, adapted = reference(model, torch.randn(6, 5), 2)
    before = {name: p.detach().clone() for name, p in model.generator.named_parameters()}
    torch.manual_seed(1)
    gradients = meta_gradients(model)
    for name, parameter in adapted.named_parameters():
        if name != 'dense.bias':
            expected = 67 * (before[name] - parameter.detach())
            torch.testing.assert_close(gradients[name], expected, rtol=1e-3, atol=1e-2)


def test_a_round_counts_its_passes_and_wants_no_gradient_of_the_teacher():
    model = toy_fast_datafree(inversion_steps=4, kd_steps=3)
    passes = {'teacher': 0, 'student': 0}
    for name in passes:
        part = getattr(model, name)
        part.register_forward_hook(lambda *_, name=name: passes.update({name: passes[name] + 1}))
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert passes == {'teacher': 4 + 3, 'student': 4 + 3}
    names = ('loss', 'loss_ce', 'loss_bn', 'loss_adv')
    assert set(log) == {*(f'synthesis/{name}' for name in names), 'student/loss', 'student/loss_kd'}
    assert all(parameter.grad is None for parameter in model.parameters())


def test_while_it_warms_up_only_the_generator_learns():
    model = toy_fast_datafree(warmup_rounds=1)
    wrapper = toy_optim_wrapper(model)
    student, generator = snapshot(model.student), snapshot(model.generator)
    log = model.train_step(toy_labels(), wrapper)
    assert {'synthesis/loss', 'synthesis/loss_ce', 'synthesis/loss_bn'} == set(log)
    assert not changed(model.student, student)
    assert 'dense.weight' in changed(model.generator, generator)
    assert len(model.memory) == 6
    log = model.train_step(toy_labels(), wrapper)
    assert {'synthesis/loss_adv', 'student/loss_kd'} <= set(log)
    assert changed(model.student, student)


def test_the_first_layer_is_drawn_anew_once():
    model = toy_fast_datafree(layer_restart=1)
    wrapper = toy_optim_wrapper(model, lr=0.0)
    assert isinstance(wrapper['generator'], OptimWrapper)
    before = snapshot(model.generator)
    names = {'dense.weight', 'dense.bias', 'first_norm.weight'}
    model.train_step(toy_labels(), wrapper)
    assert not names & changed(model.generator, before)
    model.train_step(toy_labels(), wrapper)
    assert names <= changed(model.generator, before)
    assert model.generator.dense.weight.std() < 0.03
    before = snapshot(model.generator)
    model.train_step(toy_labels(), wrapper)
    assert not names & changed(model.generator, before)


def test_the_average_of_statistics_is_of_the_last_step():
    model = toy_fast_datafree(loss_bn=RunningBNStatisticsLoss(momentum=0.5))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert int(model.loss_bn.num_batches) == 1
    assert model.loss_bn.average.abs().sum() > 0


def test_another_meta_update_is_refused():
    with pytest.raises(ValueError, match="meta_update should be 'fomaml' or 'reptile'"):
        toy_fast_datafree(meta_update='maml')


def test_a_teacher_without_batch_norm_is_refused():
    network = torch.nn.Sequential(*(m for m in toy_network(6) if not hasattr(m, 'running_mean')))
    with pytest.raises(ValueError, match='the teacher should have batch norms'):
        toy_fast_datafree(teacher=Classifier(network))


class WithoutAffine(ConditionalGenerator):
    """A generator whose first layers cannot be drawn anew."""

    def __init__(self):
        super().__init__(num_classes=3, latent_dim=5, image_size=8, base_channels=2)
        self.first_norm = nn.BatchNorm2d(self.first_map[0], affine=False)


def test_a_restart_of_no_first_layer_is_refused_before_that_round():
    assert toy_fast_datafree(generator=WithoutAffine())
    with pytest.raises(ValueError, match='layer_restart should be None for a generator without'):
        toy_fast_datafree(generator=WithoutAffine(), layer_restart=500)


@pytest.mark.parametrize('number', [dict(latent_lr=-0.1), dict(layer_restart=-1)])
def test_numbers_are_checked(number):
    with pytest.raises(ValueError, match=f'{next(iter(number))} should be'):
        toy_fast_datafree(**number)


class Twice(nn.Module):
    """A batch norm that is passed twice, and another that serves training alone."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.extra = nn.BatchNorm2d(7)
        self.last = nn.Linear(4, 3)

    def forward(self, inputs):
        maps = self.norm(self.norm(self.first(inputs)).relu())
        if self.training:
            self.extra(maps.repeat(1, 2, 1, 1)[:, :7])
        return self.last(maps.mean((2, 3)))


@pytest.mark.parametrize('method', [toy_fast_datafree, toy_nayer])
def test_the_average_has_the_layers_that_are_passed(method):
    torch.manual_seed(0)
    model = method(teacher=Classifier(Twice()))
    assert model.loss_bn.average.shape == (2, 8)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert int(model.loss_bn.num_batches)
