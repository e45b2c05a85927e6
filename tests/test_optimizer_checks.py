import pytest
import torch

from mmdfkd.optimizer_checks import check_optimizer, check_wrapper

ADAM = dict(type='Adam', lr=0.1)


@pytest.mark.parametrize(
    ('config', 'told'),
    [
        (None, 'should be the config of an optimiser, but got None'),
        ('Adam', "should be the config of an optimiser, but got 'Adam'"),
        (dict(lr=1), 'should be the config of an optimiser'),
        (
            dict(type='Adm', lr=1),
            r"type should be the name of an optimiser, but got 'Adm'",
        ),
        (dict(type='Adam', lr=-1), r'optimizer.lr should be in \[0, inf\), but got -1'),
        (dict(type='Adam', lr=float('nan')), r'optimizer.lr should be in \[0, inf\), but got nan'),
        (dict(type=torch.optim.Adam, lrr=1), r"'lrr': 1} raised TypeError"),
        (dict(type='Adam', lr=1, betas=5), r"'betas': 5} raised"),
        (dict(type='LBFGS', lr=1), r"'LBFGS', 'lr': 1} raised TypeError: .*'closure'"),
    ],
)
def test_what_is_no_optimiser_is_named(config, told):
    with pytest.raises(ValueError, match=told):
        check_optimizer('optimizer', config)


@pytest.mark.parametrize('kind', ['Adam', 'SGD', 'AdamW', 'RMSprop', torch.optim.NAdam])
def test_optimisers_are_taken(kind):
    state = torch.get_rng_state()
    check_optimizer('optimizer', dict(type=kind, lr=0.1))
    assert torch.get_rng_state().equal(state)


@pytest.mark.parametrize(
    ('setting', 'told'),
    [
        (dict(optimizer=None), r'w.optimizer should be the config of an optimiser, but got None'),
        (dict(accumulative_counts=0), 'w.accumulative_counts should be a whole number over 0'),
        (dict(clip_grad=dict(max_norm=-1)), r'w.clip_grad.max_norm should be in \(0, inf\)'),
        (dict(clip_grad=dict(max_nrom=1)), r'w.clip_grad should be a dict of max_norm and others'),
        (dict(clip_grad=dict(type='value', max_norm=1)), 'should be a dict of clip_value and'),
        (dict(clip_grad=3), 'w.clip_grad should be a dict of max_norm'),
    ],
)
def test_what_a_wrapper_cannot_have_is_named(setting, told):
    """A negative limit of gradients would turn them around, in silence."""
    with pytest.raises(ValueError, match=told):
        check_wrapper('w', dict(type='OptimWrapper', optimizer=ADAM) | setting)


def test_wrappers_are_taken():
    for clip in (None, dict(max_norm=1), dict(type='value', clip_value=0.5)):
        check_wrapper('w', dict(type='OptimWrapper', optimizer=ADAM, clip_grad=clip))
