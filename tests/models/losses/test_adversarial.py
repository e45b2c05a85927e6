import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from torch.nn import functional as F

from mmdfkd.models.losses import AdversarialLoss
from mmdfkd.models.losses.adversarial import (
    adversarial_loss,
    js_divergence,
    kl_divergence,
    l1_distance,
    relative_l1_distance,
)


def two_logits(num=7, num_classes=5, scale=3.0, dtype=torch.double):
    return [(scale * torch.randn(num, num_classes, dtype=dtype)).requires_grad_() for _ in range(2)]


def kl_of_softmax(student, teacher):
    values = []
    for s, t in zip(student.softmax(1), teacher.softmax(1), strict=True):
        values.append(sum(t[c] * (t[c].log() - s[c].log()) for c in range(len(t))))
    return torch.stack(values)


def js_of_softmax(student, teacher):
    values = []
    for s, t in zip(student.softmax(1), teacher.softmax(1), strict=True):
        total = 0.0
        for c in range(len(t)):
            half = (s[c] + t[c]) / 2
            total = total + (s[c] * (s[c] / half).log() + t[c] * (t[c] / half).log()) / 2
        values.append(total)
    return torch.stack(values)


def mean_absolute(student, teacher):
    return torch.stack(
        [
            sum((s[c] - t[c]).abs() for c in range(len(s))) / len(s)
            for s, t in zip(student, teacher, strict=True)
        ]
    )


def relative_mean_absolute(student, teacher):
    values = [float(value.detach()) for row in teacher.detach() for value in row]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean_absolute(student, teacher) / variance**0.5


REFERENCES = {
    'kl': (kl_divergence, kl_of_softmax),
    'js': (js_divergence, js_of_softmax),
    'l1': (l1_distance, mean_absolute),
    'relative_l1': (relative_l1_distance, relative_mean_absolute),
}


@pytest.mark.parametrize('divergence', REFERENCES)
def test_values_and_gradients_are_those_of_a_loop(divergence):
    function, reference = REFERENCES[divergence]
    logits = two_logits()
    result, expected = function(*logits), reference(*logits)
    assert result.shape == (7,)
    torch.testing.assert_close(result, expected, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(
        torch.autograd.grad(result.sum(), logits),
        torch.autograd.grad(expected.sum(), logits),
        atol=1e-7,
        rtol=1e-6,
    )


def test_kl_is_torch_kl_div_of_probabilities():
    student, teacher = two_logits()
    expected = F.kl_div(student.log_softmax(1), teacher.softmax(1), reduction='batchmean')
    torch.testing.assert_close(kl_divergence(student, teacher).mean(), expected)


def test_js_is_the_square_of_scipy_distance():
    student, teacher = (logits.detach() for logits in two_logits())
    expected = jensenshannon(student.softmax(1).numpy(), teacher.softmax(1).numpy(), axis=1) ** 2
    np.testing.assert_allclose(js_divergence(student, teacher).numpy(), expected, atol=1e-7)


@pytest.mark.parametrize('divergence', REFERENCES)
def test_equal_logits_do_not_diverge(divergence):
    logits = two_logits(dtype=torch.float)[0].detach()
    result = REFERENCES[divergence][0](logits, logits.clone())
    torch.testing.assert_close(result, torch.zeros(7), atol=1e-6, rtol=0)


@pytest.mark.parametrize(('divergence', 'bound'), [('kl', 400.0), ('js', math.log(2))])
def test_extreme_logits_stay_finite(divergence, bound):
    student = torch.tensor([[200.0, -200.0]], requires_grad=True)
    teacher = torch.tensor([[-200.0, 200.0]], requires_grad=True)
    result = REFERENCES[divergence][0](student, teacher)
    result.sum().backward()
    assert result.item() == pytest.approx(bound)
    assert student.grad.isfinite().all()
    assert teacher.grad.isfinite().all()


@pytest.mark.parametrize('divergence', ['js', 'l1'])
def test_the_symmetric_divergences_are_symmetric(divergence):
    function = REFERENCES[divergence][0]
    student, teacher = two_logits()
    torch.testing.assert_close(function(student, teacher), function(teacher, student))


@pytest.mark.parametrize('divergence', REFERENCES)
@pytest.mark.parametrize('agreement_mask', [False, True])
def test_the_loss_is_the_negative_mean_over_the_batch(divergence, agreement_mask):
    student, teacher = two_logits(num=40)
    total = 0.0
    values = REFERENCES[divergence][1](student, teacher)
    for s, t, value in zip(student, teacher, values, strict=True):
        if not agreement_mask or s.argmax() == t.argmax():
            total = total - value
    loss = AdversarialLoss(1.5, divergence, agreement_mask)(student, teacher)
    torch.testing.assert_close(loss, 1.5 * total / 40, atol=1e-7, rtol=1e-6)


def test_masked_samples_have_no_gradient():
    student = torch.tensor([[2.0, 0.0], [0.0, 2.0]], requires_grad=True)
    teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0]], requires_grad=True)
    adversarial_loss(student, teacher).backward()
    for logits in (student, teacher):
        assert logits.grad[0].any()
        assert not logits.grad[1].any()


def test_a_batch_without_agreement_gives_zero_with_a_graph():
    student = torch.tensor([[2.0, 0.0]], requires_grad=True)
    loss = adversarial_loss(student, torch.tensor([[0.0, 2.0]]))
    loss.backward()
    assert loss == 0
    assert not student.grad.any()


def test_an_unknown_divergence_raises():
    with pytest.raises(ValueError, match=r"one of \[.*'kl'.*\], but got 'l2'"):
        AdversarialLoss(divergence='l2')


def test_relative_l1_ignores_the_scale_of_all_logits():
    student, teacher = two_logits()
    torch.testing.assert_close(
        relative_l1_distance(9 * student, 9 * teacher), relative_l1_distance(student, teacher)
    )


def test_relative_l1_of_constant_teacher_logits_is_finite():
    student = torch.randn(3, 4, requires_grad=True)
    loss = AdversarialLoss(divergence='relative_l1', agreement_mask=False)
    loss(student, torch.ones(3, 4)).backward()
    assert student.grad.isfinite().all()
