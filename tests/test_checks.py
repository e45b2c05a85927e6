"""Numbers out of range are refused by name, wherever a user gives them."""

import math
from types import SimpleNamespace

import pytest
import torch
from toy import toy_dedfkd

from mmdfkd.checks import check_not_negative, check_positive, check_range, check_switch
from mmdfkd.engine.hooks import (
    AtomicCheckpointHook,
    GeneratorRestartHook,
    SyntheticFiguresHook,
    SyntheticGridHook,
)
from mmdfkd.engine.schedulers import CosinePeriodLR
from mmdfkd.evaluation.feature_sample import FeatureSample
from mmdfkd.evaluation.functional.attacks import fgsm, pgd
from mmdfkd.evaluation.functional.inception_score import InceptionScore
from mmdfkd.evaluation.metrics import Diversity
from mmdfkd.evaluation.real_images import RealImages
from mmdfkd.models.generators import ConditionalGenerator, UnconditionalGenerator
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    KDLoss,
    MetricLearningLoss,
    TotalVariationLoss,
)
from mmdfkd.models.memories import ImageMemory, LabelledMemory
from mmdfkd.models.utils import RandomAffine, ShiftFlip


@pytest.mark.parametrize(
    ('interval', 'inside', 'outside'),
    [
        ('[0, 1)', [0, 0.0, 0.5], [1, -1e-9, math.nan, '0.5', None, True, [0.5]]),
        ('(0, 1]', [1e-30, 1], [0, 1.1, math.inf]),
        ('[0, inf)', [0, 1e300], [math.inf, -math.inf, math.nan, -1]),
    ],
)
def test_ranges_are_as_one_writes_them(interval, inside, outside):
    for number in inside:
        check_range(interval, number=number)
    for number in outside:
        with pytest.raises(ValueError, match='number should be in ') as caught:
            check_range(interval, fine=inside[0], number=number)
        assert interval in str(caught.value)
        assert repr(number) in str(caught.value)


@pytest.mark.parametrize('number', [0.5, 1.0, -3, True, '1', None, math.nan])
def test_whole_numbers(number):
    check_positive(number=1)
    check_not_negative(number=0)
    for check in (check_positive, check_not_negative):
        with pytest.raises(ValueError, match='number should be a whole number'):
            check(number=number)
    with pytest.raises(ValueError, match='over 0, but got 0'):
        check_positive(number=0)


@pytest.mark.parametrize('switch', ['maybe', 'true', 1, 0, None])
def test_switches(switch):
    check_switch(switch=True)
    with pytest.raises(ValueError, match='switch should be True or False, but got'):
        check_switch(switch=switch)


IMAGES, LABELS = torch.zeros(1, 3, 8, 8), torch.zeros(1, dtype=torch.long)
OPTIMIZER = SimpleNamespace(param_groups=[])

# (argument that is named, what a user builds)
WRONG = {
    'loss_weight of KDLoss': lambda: toy_dedfkd(loss_kd=KDLoss(loss_weight=-1.0)),
    'loss_weight of AdversarialLoss': lambda: toy_dedfkd(loss_adv=AdversarialLoss(math.nan)),
    'loss_weight of MetricLearningLoss': lambda: toy_dedfkd(
        loss_metric=MetricLearningLoss('M4', -0.3)
    ),
    'loss_weight of TotalVariationLoss': lambda: toy_dedfkd(
        image_priors=dict(tv=dict(type=TotalVariationLoss, loss_weight=-1))
    ),
    'temperature': lambda: toy_dedfkd(loss_kd=KDLoss(temperature=1e-30)),
    'temperature (NaN)': lambda: toy_dedfkd(loss_kd=KDLoss(temperature=math.nan)),
    'first_bn_multiplier of BNStatisticsLoss': lambda: toy_dedfkd(
        loss_bn=BNStatisticsLoss(1.0, first_bn_multiplier=-10)
    ),
    'kd_steps': lambda: toy_dedfkd(kd_steps=-1),
    'g_steps': lambda: toy_dedfkd(g_steps=0.5),
    'kd_batch_size': lambda: toy_dedfkd(kd_batch_size=True),
    'channels_last': lambda: toy_dedfkd(channels_last='maybe'),
    'pad': lambda: ShiftFlip(pad=-1),
    'pad (fraction)': lambda: ShiftFlip(pad=1.5),
    'flip': lambda: ShiftFlip(flip='maybe'),
    'shift': lambda: RandomAffine(shift=math.nan),
    'degrees': lambda: RandomAffine(degrees=1e9),
    'scale': lambda: RandomAffine(scale=1.0),
    'latent_dim': lambda: ConditionalGenerator(num_classes=3, latent_dim=0),
    'base_channels': lambda: UnconditionalGenerator(base_channels=-2),
    'image_size': lambda: UnconditionalGenerator(image_size=8.5),
    'capacity': lambda: ImageMemory(2.5),
    'num_views': lambda: LabelledMemory(3, 1.5),
    'interval': lambda: GeneratorRestartHook(0.5),
    'interval (grid)': lambda: SyntheticGridHook(interval=0),
    'interval (grid, fraction)': lambda: SyntheticGridHook(interval=0.5),
    'num_latents': lambda: SyntheticGridHook(num_latents=0),
    'num_samples': lambda: SyntheticFiguresHook([], num_samples=-3),
    'batch_size': lambda: SyntheticFiguresHook([], batch_size=0),
    'interval (checkpoint)': lambda: AtomicCheckpointHook(interval=0),
    'interval (checkpoint, fraction)': lambda: AtomicCheckpointHook(interval=0.5),
    'max_keep_ckpts': lambda: AtomicCheckpointHook(max_keep_ckpts=0),
    'period': lambda: CosinePeriodLR(OPTIMIZER, 2.5),
    'eta_min_ratio': lambda: CosinePeriodLR(OPTIMIZER, 2, eta_min_ratio=math.nan),
    'eps': lambda: fgsm(torch.flatten, IMAGES, LABELS, math.nan),
    'eps (PGD)': lambda: pgd(torch.flatten, IMAGES, LABELS, -1),
    'steps': lambda: pgd(torch.flatten, IMAGES, LABELS, 8, steps=0),
    'splits': lambda: InceptionScore(0),
    'max_samples': lambda: FeatureSample(0),
    'duplicate_distance': lambda: Diversity(duplicate_distance=-1),
    'batch_size (real)': lambda: RealImages([1], batch_size=0),
    'num_workers': lambda: RealImages([1], num_workers=-1),
}


@pytest.mark.parametrize('name', WRONG)
def test_what_is_out_of_range_is_named(name):
    with pytest.raises(ValueError, match=rf'{name.split(" (")[0]} should be ') as caught:
        WRONG[name]()
    assert ', but got ' in str(caught.value)


def test_never_is_an_interval_of_checkpoints():
    AtomicCheckpointHook(interval=-1, max_keep_ckpts=-1)
