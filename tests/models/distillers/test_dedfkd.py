import pytest
import torch
from torch import nn
from toy import toy_dedfkd, toy_labels, toy_optim_wrapper
from toy_methods import toy_unconditional

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers.base import DataFreeDistiller
from mmdfkd.models.losses import LayoutSpreadLoss, MetricLearningLoss
from mmdfkd.models.losses.layout_spread import layout_spread_loss
from mmdfkd.models.losses.metric_functions import bounded_two_margin


def test_losses_are_the_formulas_on_one_teacher_pass():
    model = toy_dedfkd().eval()
    latents, labels = torch.randn(6, 5), toy_labels()['label']
    inputs = torch.randn(6, 3, 8, 8, requires_grad=True)
    losses = model.generator_losses(inputs, latents, labels)

    teacher, student = model.teacher.network, model.student.network
    maps = teacher[0](inputs)
    features = teacher[:5](inputs)
    t, s = teacher(inputs), student(inputs)
    kl = (t.softmax(1) * (t.log_softmax(1) - s.log_softmax(1))).sum(1)
    kept = t.argmax(1) == labels
    expected = {
        'loss_ce': 0.5 * nn.functional.cross_entropy(t, labels),
        'loss_adv': -kl.mean(),
        'loss_metric': 0.3 * bounded_two_margin(features, labels, kept),
        'loss_bn': 2.0
        * (maps.mean((0, 2, 3)).norm() + (maps.var((0, 2, 3), correction=0) - 1).norm()),
        'loss_act': -0.1 * features.abs().mean(),
        'label_agreement': kept.float().mean(),
    }
    assert set(losses) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value, msg=name)
    total = sum(v for k, v in losses.items() if 'loss' in k)
    reference = sum(v for k, v in expected.items() if 'loss' in k)
    got = torch.autograd.grad(total, inputs, retain_graph=True)
    torch.testing.assert_close(got, torch.autograd.grad(reference, inputs))


@pytest.mark.parametrize('name', ['loss_adv', 'loss_metric', 'loss_bn', 'loss_act'])
def test_a_loss_that_is_none_is_left_out(name):
    model = toy_dedfkd(**{name: None})
    log = model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert f'generator/{name}' not in log


def test_bn_hooks_live_in_the_generator_phase_only(monkeypatch):
    model = toy_dedfkd()
    bn = model.teacher.network[1]
    seen = []
    student_step = DataFreeDistiller.student_step

    def watched(self, *args):
        seen.append(len(bn._forward_pre_hooks))
        return student_step(self, *args)

    monkeypatch.setattr(DataFreeDistiller, 'student_step', watched)
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert seen == [0, 0, 0]


def test_bn_loss_wants_a_teacher_with_bn():
    plain = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    with pytest.raises(ValueError, match='teacher should have batch norms for loss_bn'):
        toy_dedfkd(teacher=Classifier(plain))
    toy_dedfkd(teacher=Classifier(plain), loss_bn=None)


def test_weights_of_a_library_loss_are_learned_with_the_generator():
    pytest.importorskip('pytorch_metric_learning')
    loss = MetricLearningLoss('ProxyAnchorLoss', 1.0, gate=0.0, num_classes=3, embedding_size=24)
    model = toy_dedfkd(loss_metric=loss)
    proxies = loss.library_loss.proxies
    before = proxies.detach().clone()
    for _ in range(3):
        model.train_step(toy_labels(30), toy_optim_wrapper(model))
    assert not proxies.equal(before)


def test_layouts_are_of_the_named_layers_and_reach_the_generator():
    model = toy_dedfkd(loss_layout=LayoutSpreadLoss(3.0, spread=2.0), layout_layers=['0', '2'])
    latents, labels = torch.randn(6, 5), toy_labels()['label']
    inputs = model.normalize(model.generator(latents, labels))
    losses = model.generator_losses(inputs, latents, labels)
    first = model.teacher.network[0](inputs)
    maps = [first, model.teacher.network[2](model.teacher.network[1](first))]
    expected = sum(layout_spread_loss(each, labels, 2.0) for each in maps) / 2
    torch.testing.assert_close(losses['loss_layout'], 3 * expected)
    losses['loss_layout'].backward()
    assert model.generator.dense.weight.grad.abs().sum() > 0
    assert not model.teacher.network[0]._forward_hooks


@pytest.mark.parametrize(
    'parts',
    [dict(loss_layout=LayoutSpreadLoss()), dict(layout_layers=['0'])],
    ids=['loss', 'layers'],
)
def test_layouts_want_a_loss_and_layers(parts):
    with pytest.raises(ValueError, match='give both or neither'):
        toy_dedfkd(**parts)


def test_the_adversary_waits_for_the_warm_up():
    model = toy_dedfkd(warmup_rounds=1)
    wrapper = toy_optim_wrapper(model)
    assert 'generator/loss_adv' not in model.train_step(toy_labels(), wrapper)
    assert 'generator/loss_adv' in model.train_step(toy_labels(), wrapper)


@pytest.mark.parametrize(('fixed', 'batches'), [(True, 1), (False, 3)])
def test_a_round_may_stay_with_one_batch_of_latents(fixed, batches):
    model, seen = toy_dedfkd(g_steps=3, fixed_latents=fixed), []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.train_step(toy_labels(), toy_optim_wrapper(model))
    assert len({tuple(latents.flatten().tolist()) for latents in seen}) == batches


def test_a_class_condition_needs_a_generator_that_is_told_the_class():
    with pytest.raises(ValueError, match='UnconditionalGenerator ignores labels'):
        toy_dedfkd(generator=toy_unconditional())
    toy_dedfkd(generator=toy_unconditional(), fixed_latents=True)  # each latent learns its label
