import math

import pytest
import torch
from torch.nn import functional as F

from mmdfkd.models.losses import ClassConditionLoss
from mmdfkd.models.losses.class_condition import class_condition_loss


def reference(logits, labels, enough):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        probability = row.exp()[label] / row.exp().sum()
        if enough == 1 or probability < enough:
            total = total - probability.log()
    return total / len(logits)


@pytest.mark.parametrize('enough', [0.05, 0.5, 0.9, 1.0])
def test_the_value_and_gradient_are_those_of_a_loop(enough):
    logits = (2 * torch.randn(30, 4, dtype=torch.double)).requires_grad_()
    labels = torch.randint(4, (30,))
    loss, expected = class_condition_loss(logits, labels, enough), reference(logits, labels, enough)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)
    )


def test_by_default_it_is_the_cross_entropy_of_torch():
    logits, labels = torch.randn(8, 5), torch.randint(5, (8,))
    torch.testing.assert_close(
        ClassConditionLoss(loss_weight=3.0)(logits, labels), 3 * F.cross_entropy(logits, labels)
    )


def test_confident_samples_are_left_alone():
    logits = torch.tensor([[5.0, 0.0], [0.1, 0.0]], requires_grad=True)
    ClassConditionLoss(enough=0.9)(logits, torch.tensor([0, 0])).backward()
    assert not logits.grad[0].any()
    assert logits.grad[1].any()


def test_confidence_in_another_class_does_not_count():
    logits = torch.tensor([[9.0, 0.0]], requires_grad=True)
    loss = ClassConditionLoss(enough=0.5)(logits, torch.tensor([1]))
    assert loss.item() == pytest.approx(9 + math.log1p(math.exp(-9)))


def test_an_all_confident_batch_gives_zero_with_a_graph():
    logits = torch.tensor([[9.0, 0.0], [0.0, 9.0]], requires_grad=True)
    loss = ClassConditionLoss(enough=0.9)(logits, torch.tensor([0, 1]))
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()


@pytest.mark.parametrize('enough', [0, -0.1, 1.1])
def test_a_threshold_out_of_range_raises(enough):
    with pytest.raises(ValueError, match=rf'enough should be in \(0, 1\], but got {enough}'):
        ClassConditionLoss(enough=enough)
