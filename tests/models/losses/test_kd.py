import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.losses import KDLoss


@pytest.fixture
def logits():
    return [
        (3 * torch.randn(6, 4, dtype=torch.double)).requires_grad_(requires_grad)
        for requires_grad in (True, False)
    ]


@pytest.mark.parametrize('temperature', [0.5, 1.0, 4.0, 20.0])
def test_kl_is_the_softened_divergence_of_torch(logits, temperature):
    student, teacher = logits
    expected = temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.softmax(teacher / temperature, 1),
        reduction='batchmean',
    )
    loss = KDLoss('kl', temperature, loss_weight=0.7)(student, teacher)
    torch.testing.assert_close(loss, 0.7 * expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, student), torch.autograd.grad(0.7 * expected, student)
    )


def test_l1_is_the_mean_absolute_difference_of_torch(logits):
    student, teacher = logits
    loss = KDLoss('l1', loss_weight=2.0)(student, teacher)
    torch.testing.assert_close(loss, 2 * F.l1_loss(student, teacher))


@pytest.mark.parametrize('divergence', ['kl', 'l1'])
def test_a_perfect_student_has_no_loss(logits, divergence):
    teacher = logits[1]
    loss = KDLoss(divergence, temperature=3.0)(teacher.clone().requires_grad_(), teacher)
    assert loss.item() == pytest.approx(0, abs=1e-12)


def test_kl_ignores_a_shift_of_the_logits_but_l1_does_not(logits):
    student, teacher = logits
    shifted = teacher + 5
    kl, l1 = KDLoss('kl'), KDLoss('l1')
    torch.testing.assert_close(kl(student, shifted), kl(student, teacher))
    assert (l1(teacher, shifted) - 5).abs() < 1e-9


def test_the_gradient_hardly_depends_on_a_high_temperature(logits):
    student, teacher = logits
    one, other = (
        torch.autograd.grad(KDLoss('kl', temperature)(student, teacher), student)[0]
        for temperature in (200.0, 400.0)
    )
    torch.testing.assert_close(one, other, rtol=0.1, atol=0.01)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'divergence': 'js'}, "'kl' or 'l1', but got 'js'"),
        ({'temperature': 0.0}, r'temperature should be in \[0.001, 1000\], but got 0'),
        ({'temperature': -1.0}, r'temperature should be in \[0.001, 1000\], but got -1'),
    ],
)
def test_bad_arguments_raise(kwargs, message):
    with pytest.raises(ValueError, match=message):
        KDLoss(**kwargs)
