import pytest
import torch

from mmdfkd.models.losses import ActivationLoss
from mmdfkd.models.losses.activation import activation_loss, log_activation_loss


def test_the_loss_is_the_negative_mean_magnitude():
    features = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    total = 0.0
    for row in features:
        for value in row:
            total = total - abs(value)
    loss, expected = activation_loss(features), total / 12
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, features), torch.autograd.grad(expected, features)
    )


def test_the_weight_scales_the_loss():
    loss = ActivationLoss(loss_weight=0.5)(torch.tensor([[1.0, -3.0]]))
    assert loss == -1


def test_no_activation_gives_zero_with_a_finite_gradient():
    features = torch.zeros(2, 3, requires_grad=True)
    loss = activation_loss(features)
    loss.backward()
    assert loss == 0
    assert features.grad.isfinite().all()


def test_the_logarithmic_form_is_that_of_a_loop():
    features = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    expected = -sum((sum(abs(value) for value in row) / 3).log() for row in features) / 4
    loss = ActivationLoss(loss_weight=0.5, logarithmic=True)(features)
    torch.testing.assert_close(loss, 0.5 * expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, features), torch.autograd.grad(0.5 * expected, features)
    )


def test_the_logarithmic_pull_fades_as_features_grow():
    def pull(size):
        features = torch.full((2, 3), size, requires_grad=True)
        log_activation_loss(features).backward()
        return features.grad.abs().max().item()

    assert pull(10.0) < pull(1.0) / 9


def test_the_logarithm_of_no_activation_has_a_finite_gradient():
    features = torch.zeros(2, 3, requires_grad=True)
    loss = log_activation_loss(features)
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize('logarithmic', [False, True])
def test_half_precision_features_are_averaged_in_full(logarithmic):
    features = torch.rand(64, 100, generator=torch.Generator().manual_seed(0)).bfloat16()
    loss = ActivationLoss(logarithmic=logarithmic)
    assert loss(features) == loss(features.float())
