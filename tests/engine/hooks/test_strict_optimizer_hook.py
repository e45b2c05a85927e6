import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import CosineAnnealingLR, CosineAnnealingMomentum, LinearLR, OptimWrapper
from toy import toy_dedfkd
from toy_run import toy_runner

from mmdfkd.engine.hooks import StrictLoadHook, StrictOptimizerHook, StrictScheduleHook
from mmdfkd.engine.optimizers import MultiOptimWrapperConstructor


def sgd(**settings):
    return dict(type=torch.optim.SGD, lr=0.05, momentum=0.9) | settings


def runner(folder, student=None, generator=None, **options):
    parts = dict(generator=generator or sgd(), student=student or sgd())
    wrapper = dict(
        constructor=MultiOptimWrapperConstructor,
        **{key: dict(type=OptimWrapper, optimizer=part) for key, part in parts.items()},
    )
    return toy_runner(folder, 8, checkpoint_interval=4, optim_wrapper=wrapper, **options)


def resumed(folder, **options):
    run = runner(folder, resume=True, load_from=str(folder / 'iter_4.pth'), **options)
    for hook in (StrictLoadHook(), StrictScheduleHook(), StrictOptimizerHook()):
        run.register_hook(hook)
    return run


def schedules(eta_min):
    return dict(
        generator=[],
        student=[
            dict(type=LinearLR, start_factor=0.5, end=3, by_epoch=False),
            dict(type=CosineAnnealingLR, T_max=8, eta_min=eta_min, by_epoch=False),
        ],
    )


def rates(run):
    seen = []

    class Seen(Hook):
        priority = 'LOWEST'

        def before_train_iter(self, runner, *_, **__):
            seen.append([w.param_groups[0]['lr'] for _, w in runner.optim_wrapper.items()])

    run.register_hook(Seen())
    run.train()
    return seen


def test_what_has_not_changed_resumes_in_silence(tmp_path, caplog):
    whole = rates(runner(tmp_path))
    assert rates(resumed(tmp_path)) == whole[4:]
    assert 'other settings' not in caplog.text


@pytest.mark.parametrize('eta_min', [0.0, 0.001])
def test_a_changed_rate_holds_on_the_same_schedule(tmp_path, capfd, eta_min):
    rates(runner(tmp_path / 'old', param_scheduler=schedules(eta_min)))
    new = dict(student=sgd(lr=0.02), generator=sgd(lr=0.03))
    expected = rates(runner(tmp_path / 'new', param_scheduler=schedules(eta_min), **new))
    found = rates(resumed(tmp_path / 'old', param_scheduler=schedules(eta_min), **new))
    for left, right in zip(found, expected[4:], strict=True):
        # Exact without a floor; with one, a warm-up before moves it a little.
        assert left == pytest.approx(right, rel=1e-6 if not eta_min else 0.05)
    told = capfd.readouterr().out
    assert 'optim_wrapper.student.optimizer.lr 0.02 rather than 0.05' in told
    assert 'optim_wrapper.generator.optimizer.lr 0.03 rather than 0.05' in told


def test_other_settings_of_an_optimiser_hold(tmp_path, capfd):
    runner(tmp_path).train()
    run = resumed(tmp_path, student=sgd(momentum=0.5, weight_decay=0.1))
    run.train()
    group = run.optim_wrapper['student'].param_groups[0]
    assert (group['momentum'], group['weight_decay']) == (0.5, 0.1)
    assert 'momentum 0.5 rather than 0.9' in capfd.readouterr().out


@pytest.mark.parametrize('other', [torch.optim.Adam, torch.optim.RMSprop, torch.optim.Rprop])
def test_another_optimiser_is_refused(tmp_path, other):
    runner(tmp_path).train()
    with pytest.raises(ValueError, match=rf'optim_wrapper.student should have .*{other.__name__}'):
        resumed(tmp_path, student=dict(type=other, lr=0.05)).train()


def test_adamw_goes_on_under_another_version_of_torch(tmp_path):
    """Since torch 2.7 its groups have a mark that earlier ones lack."""
    adamw = dict(type=torch.optim.AdamW, lr=0.01)
    changes = {'optim_wrapper.student.optimizer.type': 'torch.optim.AdamW'}
    configured(tmp_path, changes, go_on=False, student=adamw).train()
    file = tmp_path / 'iter_4.pth'
    state = torch.load(file, weights_only=True)
    for group in state['optimizer']['student']['param_groups']:
        group.pop('decoupled_weight_decay', None)
    torch.save(state, file)
    run = configured(tmp_path, student=adamw)
    run.train()
    assert run.iter == 8


def test_what_a_schedule_moves_stays_that_of_the_checkpoint(tmp_path):
    moves = [dict(type=CosineAnnealingMomentum, T_max=8, by_epoch=False)]
    scheduled = dict(param_scheduler=dict(generator=[], student=moves))
    runner(tmp_path, **scheduled).train()
    resumed(tmp_path, **scheduled).train()
    with pytest.raises(ValueError, match=r'student\.optimizer\.momentum should be 0\.9, as in the'):
        resumed(tmp_path, student=sgd(momentum=0.5), **scheduled).train()


def test_other_groups_and_keys_are_refused(tmp_path):
    runner(tmp_path).train()
    file = tmp_path / 'iter_4.pth'
    state = torch.load(file, weights_only=True)
    state['optimizer']['student']['param_groups'] *= 2
    torch.save(state, file)
    with pytest.raises(ValueError, match='should have 2 groups of weights, as in the checkpoint'):
        resumed(tmp_path).train()
    state['optimizer'] = {'student': state['optimizer']['student']}
    torch.save(state, file)
    with pytest.raises(ValueError, match=r"keys of the checkpoint, \['student'\], but got"):
        resumed(tmp_path).train()


def test_a_best_checkpoint_is_no_place_to_go_on_from(tmp_path):
    runner(tmp_path).train()
    state = torch.load(tmp_path / 'iter_4.pth', weights_only=True)
    del state['optimizer'], state['param_schedulers']
    torch.save(state, tmp_path / 'iter_4.pth')
    with pytest.raises(ValueError, match=r"without \['optimizer'\]; take iter_N.pth"):
        resumed(tmp_path).train()


def test_a_changed_config_is_told(tmp_path, capfd):
    run = runner(tmp_path, train_cfg=dict(by_epoch=False, max_iters=8, val_interval=4))
    run.cfg.train_cfg = dict(by_epoch=False, max_iters=8, val_interval=4)
    run.train()
    run = resumed(tmp_path)
    run.cfg.train_cfg = dict(by_epoch=False, max_iters=8, val_interval=2)
    run.train()
    assert 'train_cfg.val_interval 2 rather than 4' in capfd.readouterr().out


def configured(folder, changes=None, **options):
    """A run whose config, as it stands in its checkpoints, is the usual one with ``changes``."""
    run = resumed(folder, **options) if options.pop('go_on', True) else runner(folder, **options)
    optimizer = dict(type='torch.optim.SGD', lr=0.05)
    wrapper = dict(type='OptimWrapper', clip_grad=None, optimizer=optimizer)
    run.cfg.merge_from_dict(
        dict(
            model=dict(type='mmdfkd.models.distillers.DEDFKD'),
            optim_wrapper=dict(generator=dict(wrapper), student=dict(wrapper)),
            default_hooks=dict(generator_restart=dict(interval=4), logger=dict(interval=50)),
        )
    )
    run.cfg.merge_from_dict(changes or {})
    return run


@pytest.mark.parametrize(
    ('changes', 'told'),
    [
        (
            {'optim_wrapper.student.type': 'AmpOptimWrapper'},
            'optim_wrapper.student.type AmpOptimWrapper rather than OptimWrapper',
        ),
        (
            {'optim_wrapper.student.clip_grad': 1.0},
            'optim_wrapper.student.clip_grad 1.0 rather than None',
        ),
        (
            {'optim_wrapper.generator.accumulative_counts': 2},
            'optim_wrapper.generator.accumulative_counts 2 rather than None',
        ),
        (
            {'default_hooks.generator_restart.interval': 2},
            'default_hooks.generator_restart.interval 2 rather than 4',
        ),
        (
            {'custom_hooks': [dict(type='DistillerEMAHook')]},
            'custom_hooks.0.type DistillerEMAHook rather than None',
        ),
        ({'sync_bn': 'torch'}, 'sync_bn torch rather than None'),
        ({'default_hooks.logger.interval': 1}, None),
    ],
)
def test_what_else_changes_the_training_is_told(tmp_path, capfd, changes, told):
    configured(tmp_path, go_on=False).train()
    capfd.readouterr()
    configured(tmp_path, changes).train()
    out = capfd.readouterr().out
    assert ('goes on with other settings' in out) == bool(told)
    assert (told or '') in out


def test_another_number_of_processes_is_told(tmp_path, capfd):
    runner(tmp_path).train()
    file = tmp_path / 'iter_4.pth'
    state = torch.load(file, weights_only=True)
    assert state['meta']['processes'] == 1
    state['meta']['processes'] = 2
    torch.save(state, file)
    resumed(tmp_path).train()
    assert 'made with: the number of processes 1 rather than 2' in capfd.readouterr().out


def test_another_seed_is_refused(tmp_path):
    """MMEngine kept the checkpoint's, and did not say which one held."""
    runner(tmp_path).train()
    with pytest.raises(ValueError, match=r'seed should be that of the checkpoint, 0, but got 7;'):
        resumed(tmp_path, randomness=dict(seed=7)).train()
    resumed(tmp_path, randomness=dict(seed=None)).train()


def test_another_method_is_refused(tmp_path):
    configured(tmp_path, go_on=False).train()
    with pytest.raises(ValueError, match='method of the checkpoint, DEDFKD, but got DAFL;'):
        configured(tmp_path, {'model.type': 'mmdfkd.models.distillers.DAFL'}).train()
    configured(tmp_path, {'model.type': 'DEDFKD'}).train()


@pytest.mark.parametrize(
    ('first', 'then'), [('Adam', 'RAdam'), ('Adam', 'Adamax'), ('AdamW', 'Adam')]
)
def test_an_optimiser_of_the_same_settings_is_another(tmp_path, first, then):
    """Their settings or states look alike: Adam's went on as RAdam's."""
    changes = {'optim_wrapper.student.optimizer.type': f'torch.optim.{first}'}
    configured(
        tmp_path, changes, go_on=False, student=dict(type=getattr(torch.optim, first), lr=0.01)
    ).train()
    with pytest.raises(ValueError, match=f'optimizer of the checkpoint, {first}, but got {then}'):
        configured(tmp_path, student=dict(type=getattr(torch.optim, then), lr=0.01)).train()


@pytest.mark.parametrize(
    ('part', 'changes', 'told'),
    [
        ('augment', {'pad': 2}, 'model.augment should be that of the checkpoint'),
        ('data_preprocessor', {'mean': [9.0]}, 'model.data_preprocessor should be that of the'),
        ('augment', {'type': 'ShiftFlip'}, ''),
    ],
)
def test_labelled_views_stay_those_that_were_labelled(tmp_path, part, changes, told):
    """The draws of before, augmented otherwise, got the logits of other images."""
    augment = dict(type='mmdfkd.models.utils.ShiftFlip', pad=4)
    before = dict(augment=augment, data_preprocessor=dict(mean=[5.0]))

    def run(make, **overrides):
        model = toy_dedfkd(memory=dict(type='mmdfkd.LabelledMemory', capacity=30, num_views=2))
        made = make(tmp_path, model=model)
        made.cfg.model = before | {part: before[part] | overrides}
        return made

    run(runner).train()
    if not told:
        run(resumed, **changes).train()
        return
    with pytest.raises(ValueError, match=f'{told}.*keeps the teacher’s logits of such views'):
        run(resumed, **changes).train()


def test_without_labelled_views_another_augmentation_is_told(tmp_path, capfd):
    configured(tmp_path, {'model.augment': dict(type='ShiftFlip', pad=4)}, go_on=False).train()
    configured(tmp_path, {'model.augment': dict(type='ShiftFlip', pad=2)}).train()
    assert 'model.augment.pad 2 rather than 4' in capfd.readouterr().out
