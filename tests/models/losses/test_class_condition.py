import torch

from mmdfkd.models.losses import ClassConditionLoss


def reference(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total = total - (row.exp()[label] / row.exp().sum()).log()
    return total / len(logits)


def test_the_value_and_gradient_are_those_of_a_loop():
    logits = (2 * torch.randn(30, 4, dtype=torch.double)).requires_grad_()
    labels = torch.randint(4, (30,))
    loss = ClassConditionLoss(loss_weight=3.0)(logits, labels)
    expected = 3 * reference(logits, labels)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)
    )
