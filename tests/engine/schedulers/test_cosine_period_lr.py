import pytest
import torch
from mmengine.optim import CosineAnnealingLR, LinearLR
from mmengine.optim.scheduler import CosineRestartLR
from mmengine.registry import PARAM_SCHEDULERS
from toy_run import toy_runner

from mmdfkd.engine.hooks import StrictScheduleHook
from mmdfkd.engine.schedulers import CosinePeriodLR


def optimizer(*rates):
    groups = [{'params': torch.nn.Parameter(torch.zeros(1)), 'lr': rate} for rate in rates]
    return torch.optim.SGD(groups)


def rates_of(scheduler, rounds):
    """The learning rates of all groups, round by round."""
    found = []
    for _ in range(rounds):
        found.append([group['lr'] for group in scheduler.optimizer.param_groups])
        scheduler.optimizer.step()
        scheduler.step()
    return found


def period_lr(period, *rates, **options):
    defaults = {'eta_min_ratio': 0.05, 'by_epoch': False}
    return CosinePeriodLR(optimizer(*rates), period, **(defaults | options))


# Of the quickstart, of MNIST, of CIFAR's configs and of an ablation.
@pytest.mark.parametrize(
    ('rate', 'period', 'rounds'),
    [(1e-3, 500, 1000), (1e-3, 500, 3000), (4e-3, 250, 5000), (4e-3, 40, 640), (1e-3, 200, 200)],
)
def test_to_the_bit_it_is_mmengines_with_equal_periods(rate, period, rounds):
    times = rounds // period
    restarts = CosineRestartLR(
        optimizer(rate, 0.3),
        periods=[period] * times,
        restart_weights=[1] * times,
        eta_min_ratio=0.05,
        by_epoch=False,
        end=rounds,
    )
    assert rates_of(period_lr(period, rate, 0.3, end=rounds), rounds) == rates_of(restarts, rounds)


def test_a_last_period_that_is_cut_off_follows_the_same_curve():
    rates = rates_of(period_lr(4, 0.1, end=6), 6)
    assert rates[4:] == rates[:2]
    assert rates[0] == [0.1]


def test_before_its_begin_the_rate_is_another_schedulers():
    groups = optimizer(0.1)
    warm_up = LinearLR(groups, start_factor=0.5, begin=0, end=3, by_epoch=False)
    period = CosinePeriodLR(groups, 2, begin=3, by_epoch=False)
    rates = []
    for _ in range(7):
        rates.append(groups.param_groups[0]['lr'])
        groups.step()
        warm_up.step()
        period.step()
    assert rates == pytest.approx([0.05, 0.075, 0.1, 0.1, 0.05, 0.1, 0.05])


@pytest.mark.parametrize('at', [0, 3, 4, 5, 6])
def test_it_goes_on_from_any_round_in_a_run_of_any_length(at):
    whole = rates_of(period_lr(4, 0.1, 0.2, end=11), 11)
    short = period_lr(4, 0.1, 0.2, end=6)
    rates_of(short, at)
    resumed = period_lr(4, 0.1, 0.2, end=11)
    for group, old in zip(
        resumed.optimizer.param_groups, short.optimizer.param_groups, strict=True
    ):
        group['lr'] = old['lr']  # as the optimiser's own state has it
    resumed.load_state_dict(short.state_dict())
    assert rates_of(resumed, 11 - at) == whole[at:]


def test_another_period_than_the_checkpoints_is_an_error():
    with pytest.raises(ValueError, match='should be 4 as in the checkpoint, but got 5'):
        period_lr(5, 0.1).load_state_dict(period_lr(4, 0.1).state_dict())


def test_period_is_positive():
    with pytest.raises(ValueError, match='period should be a whole number over 0, but got 0'):
        period_lr(0, 0.1)


def test_it_is_found_from_mmengines_registry():
    cfg = dict(type='mmdfkd.CosinePeriodLR', period=3, by_epoch=False, optimizer=optimizer(0.1))
    assert isinstance(PARAM_SCHEDULERS.build(cfg), CosinePeriodLR)


COSINE = dict(type=CosineAnnealingLR, by_epoch=False)


def scheduled(work_dir, max_iters, student=COSINE, **options):
    generator = dict(type=CosinePeriodLR, period=2, by_epoch=False)
    schedules = dict(generator=[generator], student=[student] if student else [])
    runner = toy_runner(
        work_dir, max_iters, checkpoint_interval=1, param_scheduler=schedules, **options
    )
    runner.register_hook(StrictScheduleHook())
    return runner


def test_without_t_max_mmengines_cosine_lasts_as_long_as_the_run(tmp_path):
    warm_up = dict(type=LinearLR, start_factor=0.1, end=2, by_epoch=False)
    schedules = dict(generator=[COSINE], student=[warm_up, COSINE | dict(begin=2)])
    runner = toy_runner(tmp_path, 7, param_scheduler=schedules)
    runner.train()
    cosine, after_warm_up = (
        runner.param_schedulers['generator'][0],
        runner.param_schedulers['student'][1],
    )
    assert (cosine.T_max, cosine.end) == (7, 7)
    assert (after_warm_up.T_max, after_warm_up.begin, after_warm_up.end) == (5, 2, 7)


def test_a_resumed_run_has_the_schedules_of_the_whole(tmp_path):
    whole = scheduled(tmp_path / 'whole', 5)
    whole.train()
    resumed = scheduled(
        tmp_path / 'other', 5, load_from=str(tmp_path / 'whole/iter_4.pth'), resume=True
    )
    resumed.train()
    assert resumed.iter == 5
    assert resumed.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()


@pytest.mark.parametrize('longer', [dict(), dict(student=COSINE | dict(T_max=4))])
def test_a_cosine_of_another_length_is_not_gone_on_with(tmp_path, longer):
    scheduled(tmp_path, 4).train()
    options = longer | dict(load_from=str(tmp_path / 'iter_4.pth'), resume=True)
    message = "student should have the schedules of the checkpoint, .*'end': 4.*but got .*'end': 6"
    with pytest.raises(ValueError, match=message):
        scheduled(tmp_path / 'longer', 6, **options).train()


def test_a_missing_schedule_is_not_gone_on_without(tmp_path):
    scheduled(tmp_path, 2).train()
    resumed = dict(load_from=str(tmp_path / 'iter_2.pth'), resume=True)
    with pytest.raises(ValueError, match=r'student should have .* but got \[\]'):
        scheduled(tmp_path / 'other', 2, student=None, **resumed).train()


def test_with_periods_alone_a_longer_run_goes_on(tmp_path):
    scheduled(tmp_path, 3, student=None).train()
    resumed = dict(load_from=str(tmp_path / 'iter_3.pth'), resume=True)
    longer = scheduled(tmp_path / 'longer', 6, student=None, **resumed)
    longer.train()
    whole = scheduled(tmp_path / 'whole', 6, student=None)
    whole.train()
    assert longer.iter == 6
    assert longer.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()
