import math

import pytest
import torch

from mmdfkd.models.losses import InformationEntropyLoss, InstanceEntropyLoss, PseudoLabelLoss
from mmdfkd.models.losses.pseudo_label import (
    information_entropy_loss,
    instance_entropy_loss,
    pseudo_label_loss,
)


def pseudo_label_reference(logits):
    total = 0.0
    for row in logits:
        probabilities = row.exp() / row.exp().sum()
        total = total - probabilities[int(row.argmax())].log()
    return total / len(logits)


def entropy_reference(logits):
    loss = 0.0
    for c in range(logits.size(1)):
        share = sum(row.exp()[c] / row.exp().sum() for row in logits) / len(logits)
        loss = loss + share * share.log()
    return loss


def instance_reference(logits):
    total = 0.0
    for row in logits:
        for probability in row.exp() / row.exp().sum():
            total = total - probability * probability.log()
    return total / len(logits)


@pytest.mark.parametrize(
    ('function', 'reference'),
    [
        (pseudo_label_loss, pseudo_label_reference),
        (information_entropy_loss, entropy_reference),
        (instance_entropy_loss, instance_reference),
    ],
)
def test_the_value_and_gradient_are_those_of_a_loop(function, reference):
    logits = (2 * torch.randn(6, 4, dtype=torch.double)).requires_grad_()
    loss, expected = function(logits), reference(logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)
    )


def test_the_entropy_loss_is_lowest_when_all_classes_are_equally_many():
    balanced, one_class = 50 * torch.eye(4), 50 * torch.eye(4)[[1, 1, 1, 1]]
    assert information_entropy_loss(balanced).item() == pytest.approx(-math.log(4))
    assert information_entropy_loss(one_class).item() == pytest.approx(0, abs=1e-6)


def test_the_default_weight_is_dafl_s_five_per_decade():
    uniform = torch.zeros(3, 10)
    assert InformationEntropyLoss()(uniform).item() == pytest.approx(-5 * math.log10(10), rel=1e-3)


def test_a_class_that_never_occurs_has_a_finite_gradient():
    logits = torch.tensor([[300.0, -300.0], [300.0, -300.0]], requires_grad=True)
    (information_entropy_loss(logits) + instance_entropy_loss(logits)).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize(
    'loss_type', [PseudoLabelLoss, InformationEntropyLoss, InstanceEntropyLoss]
)
def test_the_weight_scales_the_loss(loss_type):
    logits = torch.randn(4, 3)
    torch.testing.assert_close(loss_type(3.0)(logits), 3 * loss_type(1.0)(logits))
