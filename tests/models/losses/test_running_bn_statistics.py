import pytest
import torch
from torch import nn

from mmdfkd.models.losses import BNStatisticsLoss, RunningBNStatisticsLoss
from mmdfkd.models.utils import BNRecorder
from mmdfkd.models.utils.bn_recorder import batch_norms


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)).eval()


def recorded(teacher, seed):
    images = torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    with BNRecorder(teacher) as recorder:
        teacher(images)
    return recorder.statistics


def allocated(teacher, **options):
    loss = RunningBNStatisticsLoss(**options)
    loss.allocate([layer.num_features for layer in batch_norms(teacher)])
    return loss


def test_before_the_first_update_it_is_the_batch_loss(teacher):
    statistics = recorded(teacher, 0)
    expected = BNStatisticsLoss(2.0)(statistics)
    torch.testing.assert_close(allocated(teacher, loss_weight=2.0)(statistics), expected)


def test_the_average_is_nine_parts_of_the_past_and_one_of_the_newest(teacher):
    loss = allocated(teacher, loss_weight=3.0, momentum=0.9)
    batches = [recorded(teacher, seed) for seed in range(3)]
    average = None
    for batch in batches[:2]:
        loss(recorded(teacher, 7))  # an earlier step: only the last one counts
        loss(batch)
        loss.update()
        now = [(layer.mean, layer.var) for layer in batch]
        average = average or now
        average = [
            tuple(0.9 * old + 0.1 * new for old, new in zip(left, right, strict=True))
            for left, right in zip(average, now, strict=True)
        ]
    expected = 0.0
    for layer, (mean, var) in zip(batches[2], average, strict=True):
        expected += (0.1 * layer.mean + 0.9 * mean - layer.running_mean).norm()
        expected += (0.1 * layer.var + 0.9 * var - layer.running_var).norm()
    torch.testing.assert_close(loss(batches[2]), 3 * expected)


def test_the_average_is_resumed(teacher):
    loss = allocated(teacher)
    loss(recorded(teacher, 0))
    loss.update()
    resumed = allocated(teacher)
    resumed.load_state_dict(loss.state_dict())
    statistics = recorded(teacher, 1)
    assert resumed(statistics).equal(loss(statistics))


def test_a_momentum_of_one_is_refused():
    with pytest.raises(ValueError, match='momentum should be in'):
        RunningBNStatisticsLoss(momentum=1.0)


def test_a_method_that_keeps_no_average_is_refused(teacher):
    with pytest.raises(RuntimeError, match='give this one a BNStatisticsLoss'):
        RunningBNStatisticsLoss()(recorded(teacher, 0))
