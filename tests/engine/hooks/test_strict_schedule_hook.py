"""A run goes on with another length only where its rates are those of a run of that length."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import (
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolyLR,
    StepLR,
)
from mmengine.optim.scheduler import CosineRestartLR
from toy_run import toy_runner

from mmdfkd.engine.hooks import StrictLoadHook, StrictScheduleHook
from mmdfkd.engine.schedulers import CosinePeriodLR

BEGUN = 4  # rounds of the checkpoint
#: Of the student; every one but the first three has the run's length in it, or in its end.
FORMS = {
    'constant': [],
    'cosine periods': [dict(type=CosinePeriodLR, period=3)],
    'warm-up': [dict(type=LinearLR, start_factor=0.5, end=3)],
    'cosine': [dict(type=CosineAnnealingLR)],
    'cosine with a floor': [dict(type=CosineAnnealingLR, eta_min=1e-3)],
    'warm-up and cosine': [
        dict(type=LinearLR, start_factor=0.5, end=2),
        dict(type=CosineAnnealingLR, begin=2),
    ],
    'cosine restarts': [
        dict(type=CosineRestartLR, periods=[2, 10], restart_weights=[1, 0.5], eta_min=1e-3)
    ],
    'linear': [dict(type=LinearLR, start_factor=1.0, end_factor=0.1)],
    'poly': [dict(type=PolyLR, power=2.0)],
    'steps': [dict(type=MultiStepLR, milestones=[2, 5])],
    'step': [dict(type=StepLR, step_size=2)],
    'exponential': [dict(type=ExponentialLR, gamma=0.9)],
}


class Rates(Hook):
    priority = 'LOWEST'

    def __init__(self):
        self.seen = []

    def before_train_iter(self, runner, *_, **__):
        self.seen.append(runner.optim_wrapper['student'].param_groups[0]['lr'])


def run(folder, rounds, form, resume=None):
    schedules = [schedule | dict(by_epoch=False) for schedule in FORMS[form]]
    options = dict(resume=True, load_from=str(resume)) if resume else {}
    runner = toy_runner(
        folder,
        rounds,
        checkpoint_interval=2,
        param_scheduler=dict(generator=[], student=schedules),
        val_cfg=None,
        val_dataloader=None,
        val_evaluator=None,
        **options,
    )
    rates = Rates()
    for hook in (rates, *((StrictLoadHook(), StrictScheduleHook()) if resume else ())):
        runner.register_hook(hook)
    runner.train()
    return rates.seen


FREE = list(FORMS)[:3]


@pytest.mark.parametrize('length', [BEGUN + 2, BEGUN - 1])
@pytest.mark.parametrize('form', FREE)
def test_what_the_length_does_not_move_goes_on_with_another(form, length, tmp_path):
    run(tmp_path / 'begun', BEGUN, form)
    found = run(tmp_path / 'on', length, form, tmp_path / 'begun/iter_2.pth')
    assert found == run(tmp_path / 'whole', length, form)[2:]


@pytest.mark.parametrize('form', [form for form in FORMS if form not in FREE])
def test_another_length_is_refused_by_name(form, tmp_path):
    run(tmp_path / 'begun', BEGUN, form)
    for length in (BEGUN + 2, BEGUN - 1):
        with pytest.raises(ValueError, match='student should have the schedules of the checkpoint'):
            run(tmp_path / f'on{length}', length, form, tmp_path / 'begun/iter_2.pth')


@pytest.mark.parametrize('form', ['constant', 'cosine periods'])
def test_no_run_goes_on_past_its_end(form, tmp_path):
    run(tmp_path / 'begun', BEGUN, form)
    with pytest.raises(ValueError, match=r'max_iters \(--rounds\) should be at least the 4'):
        run(tmp_path / 'on', 3, form, tmp_path / 'begun/iter_4.pth')


def test_a_run_that_is_over_says_so(tmp_path):
    run(tmp_path / 'begun', BEGUN, 'constant')
    assert run(tmp_path / 'on', BEGUN, 'constant', tmp_path / 'begun/iter_4.pth') == []
    log = next((tmp_path / 'on').glob('*/*.log')).read_text()
    assert 'the run is over: its checkpoint has done all 4 iters' in log


def test_a_schedule_of_another_kind_is_refused(tmp_path):
    run(tmp_path / 'begun', BEGUN, 'linear')
    with pytest.raises(ValueError, match='student should have the schedules of the checkpoint'):
        run(tmp_path / 'on', BEGUN, 'cosine', tmp_path / 'begun/iter_2.pth')


def test_schedules_that_are_gone_are_missed(tmp_path):
    run(tmp_path / 'begun', BEGUN, 'cosine')
    runner = SimpleNamespace(
        param_schedulers=None, train_loop=SimpleNamespace(max_iters=BEGUN), logger=None
    )
    checkpoint = torch.load(tmp_path / 'begun/iter_2.pth', weights_only=False)
    with pytest.raises(ValueError, match=r'should have the schedules .*, but got \[\]; resume'):
        StrictScheduleHook().after_load_checkpoint(runner, checkpoint)
