import torch

from mmdfkd.models.losses import RelativeBNStatisticsLoss
from mmdfkd.models.losses.relative_bn_statistics import relative_bn_statistics_loss
from mmdfkd.models.utils import BNStatistics


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


def relative_reference(statistics):
    total = 0.0
    for mean, var, running_mean, running_var in statistics:
        deviation = sum(float(v) for v in running_var) ** 0.5
        variance = sum(float(v) ** 2 for v in running_var) ** 0.5
        total = total + sum((mean - running_mean) ** 2) ** 0.5 / deviation
        total = total + sum((var - running_var) ** 2) ** 0.5 / variance
    return total / len(statistics)


def test_the_relative_loss_is_that_of_a_loop():
    statistics = random_statistics(requires_grad=True)
    leaves = [leaf for layer in statistics for leaf in layer[:2]]
    loss, expected = RelativeBNStatisticsLoss(2.5)(statistics), 2.5 * relative_reference(statistics)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, leaves), torch.autograd.grad(expected, leaves)
    )


def test_the_relative_loss_knows_no_scale_of_a_layer_and_no_number_of_layers():
    statistics = random_statistics()
    units = (3.0, 9.0, 3.0, 9.0)
    scaled = [
        BNStatistics(*(unit * entry for unit, entry in zip(units, layer, strict=True)))
        for layer in statistics
    ]
    expected = relative_bn_statistics_loss(statistics)
    torch.testing.assert_close(relative_bn_statistics_loss(scaled), expected)
    torch.testing.assert_close(relative_bn_statistics_loss(statistics * 2), expected)


def test_a_layer_of_dead_channels_has_a_finite_relative_loss():
    dead = BNStatistics(*(torch.zeros(4) for _ in range(4)))
    assert relative_bn_statistics_loss([dead]) == 0
