import math
from pathlib import Path

import pytest
from mmengine.config import Config

from mmdfkd.benchmark import Cell, make_config
from mmdfkd.engine.length import rounds_within, set_length, waiting

ROOT = Path(__file__).parents[2]


def config(*schedules, warmup=0, length=200, hook=None):
    return Config(
        dict(
            model=dict(warmup_rounds=warmup),
            train_cfg=dict(max_iters=length),
            param_scheduler=dict(generator=[], student=[*schedules]),
            custom_hooks=[hook] if hook else [],
        )
    )


@pytest.mark.parametrize(('rounds', 'warmup'), [(620, 70), (62, 31), (1240, 70), (8, 4), (1, 0)])
def test_a_student_waits_as_long_in_any_run_but_half_of_it_at_most(rounds, warmup):
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_resnet20_resnet8_cifar10.py')
    set_length(cfg, rounds)
    assert cfg.train_cfg.max_iters == rounds
    assert cfg.model.warmup_rounds == cfg.param_scheduler.student[0].begin == warmup


@pytest.mark.parametrize('rounds', range(1, 12))
def test_a_student_never_waits_for_all_of_the_run(rounds):
    cfg = config(warmup=199)
    set_length(cfg, rounds)
    assert cfg.model.warmup_rounds < rounds


@pytest.mark.parametrize('rounds', [50, 400])
def test_what_comes_after_the_warm_up_keeps_its_share_of_the_rest(rounds):
    cfg = config(
        dict(type='LinearLR', begin=20, end=50),
        dict(type='MultiStepLR', begin=20, milestones=[90, 135]),  # counted from the begin
        warmup=20,
    )
    set_length(cfg, rounds)
    ramp, steps = cfg.param_scheduler.student
    rest = rounds - 20
    assert (ramp.begin, ramp.end) == (20, 20 + rest // 6)
    assert steps.milestones == [rest // 2, rest * 3 // 4]


@pytest.mark.parametrize('warmup', [0, 30])
@pytest.mark.parametrize('seconds', [20, 150, 151, 4000])
def test_rounds_fill_the_time(seconds, warmup):
    wait, train = 1.0, 4.0
    rounds = rounds_within(seconds, warmup, wait, train)
    waits = waiting(warmup, rounds)
    assert abs(waits * wait + (rounds - waits) * train - seconds) <= (wait + train) / 2


def test_ends_and_milestones_keep_their_share():
    cfg = config(
        dict(type='LinearLR', begin=0, end=20),
        dict(type='CosineAnnealingLR', begin=20, end=math.inf),
        dict(type='MultiStepLR', milestones=[100, 150]),
        dict(type='CosinePeriodLR', period=50),
    )
    set_length(cfg, 100)
    ramp, cosine, steps, period = cfg.param_scheduler.student
    assert (ramp.begin, ramp.end) == (0, 10)
    assert (cosine.begin, cosine.end) == (10, math.inf)
    assert steps.milestones == [50, 75]
    assert period.period == 50  # of a generator, not of the run


def test_averages_and_validations_begin_at_the_same_share():
    cfg = config(warmup=20)
    cfg.train_cfg.val_begin = 110
    cfg.custom_hooks = [dict(type='mmdfkd.DistillerEMAHook', begin_iter=155), dict(type='Other')]
    cfg.default_hooks = dict(ema=dict(type='mmdfkd.DistillerEMAHook', begin_iter=155))
    set_length(cfg, 50)
    assert cfg.custom_hooks[0].begin_iter == 20 + 30 * 3 // 4
    assert cfg.default_hooks.ema.begin_iter == 20 + 30 * 3 // 4
    assert cfg.custom_hooks[1] == dict(type='Other')
    assert cfg.train_cfg.val_begin == 20 + 30 // 2


def test_steps_keep_their_share_of_the_rounds_after_their_begin():
    cfg = config(
        dict(type='StepLR', begin=20, step_size=45),
        dict(type='CosineAnnealingLR', begin=20, T_max=180),
        dict(type='OneCycleLR', total_steps=200),
        dict(type='StepLR', step_size=1),
        dict(type='CosineRestartLR', begin=20, periods=[60, 120]),
        warmup=20,
    )
    set_length(cfg, 110)
    step, cosine, cycle, least, restarts = cfg.param_scheduler.student
    assert (step.begin, step.step_size) == (20, 22)
    assert cosine.T_max == 90
    assert cycle.total_steps == 110
    assert least.step_size == 1
    assert restarts.periods == [30, 60]


@pytest.mark.parametrize('rounds', [20, 40, 100, 200])
@pytest.mark.parametrize('begin', [0, 20])
def test_a_step_schedule_ends_at_the_same_rate(rounds, begin):
    cfg = config(dict(type='StepLR', begin=begin, step_size=30), warmup=20, length=100)
    drops = (99 - begin) // 30
    set_length(cfg, rounds)
    [step] = cfg.param_scheduler.student
    assert (rounds - 1 - step.get('begin', 0)) // step.step_size == drops


def test_a_new_layer_and_another_interval_come_at_the_same_share():
    cfg = config(warmup=20)
    cfg.model.layer_restart = 20 + 120
    cfg.train_cfg.dynamic_intervals = [(0, 10), (110, 5)]
    set_length(cfg, 110)
    assert cfg.model.layer_restart == 20 + 60
    assert cfg.train_cfg.dynamic_intervals == [(0, 10), (20 + 45, 5)]
    cfg = Config.fromfile(ROOT / 'configs/fast_datafree/fast_datafree_wrn402_wrn161_cifar10.py')
    assert (cfg.model.layer_restart, cfg.train_cfg.max_iters) == (20 + 120, 20 + 200)
    set_length(cfg, 20 + 100)
    assert cfg.model.layer_restart == 20 + 60


def test_a_ramp_is_no_shorter_than_it_takes_to_reach_its_end():
    cfg = config(dict(type='LinearLR', start_factor=0.1, end=20))
    set_length(cfg, 3)
    assert cfg.param_scheduler.student[0].end == 2


def test_one_schedule_or_none():
    single = dict(type='CosineAnnealingLR', begin=20)
    for schedules in (single, [single], dict(student=single)):
        cfg = config()
        cfg.param_scheduler = schedules
        set_length(cfg, 100)
        assert "begin': 10" in str(cfg.param_scheduler)
    cfg = config()
    cfg.param_scheduler = None
    set_length(cfg, 100)
    assert cfg.train_cfg.max_iters == 100


@pytest.mark.parametrize(
    ('cfg', 'name'),
    [
        (config(length=0), 'train_cfg.max_iters'),
        (config(warmup=-1), 'model.warmup_rounds'),
        (config(dict(type='LinearLR', end='x')), 'param_scheduler.student.0.end'),
        (config(dict(type='StepLR', step_size='x')), 'param_scheduler.student.0.step_size'),
        (config(dict(type='MultiStepLR', milestones=[1, 0.5])), 'student.0.milestones.1'),
        (config(hook=dict(type='EMAHook', begin_iter='x')), 'custom_hooks.0.begin_iter'),
    ],
)
def test_what_is_no_number_of_rounds_is_an_error(cfg, name):
    with pytest.raises(ValueError, match=f'{name} should be a whole number'):
        set_length(cfg, 100)


def test_a_benchmarks_cell_is_as_long():
    name = ROOT / 'configs/dedfkd_wrn162_wrn161_cifar10.py'
    cfg = make_config(Cell(name, name, 0, 1.0, Path(), {}), rounds=62)
    assert cfg.model.warmup_rounds == cfg.param_scheduler.student[0].begin == 31
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (62, 6)
