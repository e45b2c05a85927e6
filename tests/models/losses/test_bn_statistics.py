import pytest
import torch

from mmdfkd.models.losses import BNStatisticsLoss
from mmdfkd.models.losses.bn_statistics import bn_statistics_loss
from mmdfkd.models.utils import BNRecorder, BNStatistics


def reference(statistics):
    total = 0.0
    for mean, var, running_mean, running_var in statistics:
        for batch, running in ((mean, running_mean), (var, running_var)):
            squares = 0.0
            for channel in range(len(batch)):
                squares = squares + (batch[channel] - running[channel]) ** 2
            total = total + squares**0.5
    return total


def random_statistics(num_layers=3, requires_grad=False):
    return [
        BNStatistics(
            torch.randn(4, dtype=torch.double, requires_grad=requires_grad),
            torch.rand(4, dtype=torch.double, requires_grad=requires_grad),
            torch.randn(4, dtype=torch.double),
            torch.rand(4, dtype=torch.double),
        )
        for _ in range(num_layers)
    ]


def test_the_value_and_gradient_are_those_of_a_loop():
    statistics = random_statistics(requires_grad=True)
    leaves = [leaf for layer in statistics for leaf in layer[:2]]
    loss, expected = bn_statistics_loss(statistics), reference(statistics)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, leaves), torch.autograd.grad(expected, leaves)
    )


def test_equal_statistics_give_zero_with_a_finite_gradient():
    mean, var = torch.randn(4, requires_grad=True), torch.rand(4, requires_grad=True)
    statistics = [BNStatistics(mean, var, mean.detach().clone(), var.detach().clone())]
    loss = bn_statistics_loss(statistics)
    loss.backward()
    assert loss == 0
    assert not mean.grad.any()
    assert not var.grad.any()


def test_the_weight_scales_the_loss():
    statistics = random_statistics()
    torch.testing.assert_close(
        BNStatisticsLoss(loss_weight=2.5)(statistics), 2.5 * reference(statistics)
    )


def test_images_reach_the_running_statistics_by_its_gradient(bn_network):
    images = torch.rand(6, 3, 6, 6).mul_(3).requires_grad_()
    optimiser = torch.optim.Adam([images], lr=0.05)
    losses = []
    for _ in range(40):
        with BNRecorder(bn_network) as recorder:
            bn_network(images)
        loss = BNStatisticsLoss()(recorder.statistics)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize('num', [1, 2])
def test_a_batch_of_single_pixels_has_a_finite_gradient(num):
    norm = torch.nn.BatchNorm2d(3).eval()
    inputs = torch.randn(num, 3, 1, 1, requires_grad=True)
    with BNRecorder(norm) as recorder:
        norm(inputs)
    BNStatisticsLoss()(recorder.statistics).backward()
    assert inputs.grad.isfinite().all()
