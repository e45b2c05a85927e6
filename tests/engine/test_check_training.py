import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from mmdfkd.engine.check_training import check_accuracy, check_training
from mmdfkd.engine.schedulers.checks import check_schedules

COSINE = dict(type='CosineAnnealingLR', by_epoch=False)
PERIODS = dict(type='mmdfkd.CosinePeriodLR', period=2, by_epoch=False)


@pytest.mark.parametrize(
    ('schedules', 'told'),
    [
        (
            dict(student=[COSINE]),
            r"keys of optim_wrapper, \['generator', 'student'\]",
        ),
        (dict(generator=[], student=[COSINE | dict(by_epoch=True)]), 'it would never step; set it'),
        (dict(generator=[], student=[dict(type='CosineAnnealingLR')]), 'none, which is True'),
        (dict(generator=[], student=[COSINE | dict(T_max=0)]), 'student.0.T_max should be a whole'),
        (dict(generator=[], student=[COSINE | dict(eta_min=-1)]), r'eta_min should be in \[0, inf'),
        (dict(generator=[], student=[COSINE | dict(eta_min=5)]), 'at most the learning rate 0.1'),
        (dict(generator=[], student=[COSINE | dict(begin=-1)]), 'begin should be a whole number'),
        (
            dict(generator=[], student=[COSINE | dict(end=5), PERIODS | dict(begin=4)]),
            'student.1, a CosinePeriodLR, should be alone between .*, but .*student.0 moves',
        ),
        (
            dict(generator=[], student=['cosine']),
            "student.0 should be a dict with a type, but got 'c",
        ),
    ],
)
def test_schedules_that_would_not_move_the_rate_are_named(schedules, told):
    with pytest.raises(ValueError, match=told):
        check_schedules(schedules, dict(generator=0.1, student=0.1), 8, by_epoch=False)


@pytest.mark.parametrize(
    'schedules',
    [
        None,
        COSINE,
        [COSINE],
        dict(generator=[], student=[dict(type='LinearLR', end=2, by_epoch=False), COSINE]),
        [dict(type='CosineAnnealingLR', by_epoch=True, convert_to_iter_based=True)],
        dict(generator=[], student=[COSINE | dict(end=4), PERIODS | dict(begin=4)]),
        dict(generator=[COSINE | dict(T_max=8)], student=COSINE | dict(begin=2, T_max=6)),
    ],
)
def test_schedules_that_are_right_pass(schedules, capfd):
    check_schedules(schedules, dict(generator=0.1, student=None), 8, by_epoch=False)
    assert not capfd.readouterr().out


def test_a_schedule_that_does_not_end_with_the_run_is_told(capfd):
    MMLogger.get_instance('check_training')
    check_schedules([COSINE | dict(T_max=4)], {'': 0.1}, 8, by_epoch=False)
    assert 'T_max should be the length of the schedule, 8, but got 4' in capfd.readouterr().out


def test_what_is_no_training_is_told():
    with pytest.raises(ValueError, match='train_dataloader should be a dict, for a training'):
        check_training(Config(dict(model={})))


def test_a_table_is_of_configs_with_an_accuracy():
    accuracy, other = (dict(type=f'mmdfkd.{name}') for name in ('Accuracy', 'Agreement'))
    for evaluator in (accuracy, [other, accuracy]):
        check_accuracy('c.py', Config(dict(val_evaluator=evaluator)))
    for evaluator in (None, other, [other]):
        with pytest.raises(ValueError, match=r'c\.py should have an Accuracy in its val_evaluator'):
            check_accuracy('c.py', Config(dict(val_evaluator=evaluator)))
