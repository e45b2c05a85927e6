import copy

import pytest
import torch
from mmengine.hooks import EMAHook
from toy import toy_dedfkd
from toy_methods import toy_fast_datafree
from toy_run import toy_runner

from mmdfkd.engine.hooks import DistillerEMAHook, GeneratorRestartHook
from mmdfkd.models.generators import ConditionalGenerator

GENERATOR = dict(
    type=ConditionalGenerator, num_classes=3, latent_dim=5, image_size=8, base_channels=2
)


def averaged(
    folder, max_iters=6, hook=DistillerEMAHook, interval=None, run=True, ema=None, **kwargs
):
    torch.manual_seed(0)
    model = toy_dedfkd(generator=copy.deepcopy(GENERATOR))
    runner = toy_runner(folder, max_iters, checkpoint_interval=3, model=model, **kwargs)
    averages = hook(**(ema or dict(momentum=0.25)))
    runner.register_hook(averages)
    if interval:
        runner.register_hook(GeneratorRestartHook(interval=interval))
    if run:
        runner.train()
    return runner, averages


def saved(folder, iteration):
    return torch.load(folder / f'iter_{iteration}.pth', weights_only=True)


def test_averages_are_those_of_mmengine(tmp_path):
    averaged(tmp_path / 'one')
    averaged(tmp_path / 'other', hook=EMAHook)
    one, other = (saved(tmp_path / name, 6) for name in ('one', 'other'))
    assert one['state_dict'].keys() == other['state_dict'].keys()
    for name, value in other['state_dict'].items():
        assert value.equal(one['state_dict'][name]), name


def test_the_memory_is_stored_once_and_is_not_empty(tmp_path):
    runner, averages = averaged(tmp_path)
    content = saved(tmp_path, 6)
    assert not [k for k in content['ema_state_dict'] if 'memory' in k or 'teacher' in k]
    model = toy_dedfkd()
    model.load_state_dict(content['state_dict'])
    assert len(model.memory) == len(runner.model.memory) == 20
    assert model.memory.images.equal(runner.model.memory.images)
    assert {name.split('.')[0] for name, _ in averages.ema_model.module.named_parameters()} == {
        'student',
        'generator',
    }


def test_the_average_of_a_new_generator_begins_with_it(tmp_path):
    """It was mixed with the generator before."""
    ema = dict(momentum=0.25, update_buffers=True)
    runner, averages = averaged(tmp_path, max_iters=5, interval=4, ema=ema)
    live = runner.model.generator.state_dict()
    for name, average in averages.ema_model.module['generator'].state_dict().items():
        assert average.equal(live[name])
    student = dict(runner.model.student.named_parameters())
    pairs = averages.ema_model.module['student'].named_parameters()
    assert not all(average.equal(student[name]) for name, average in pairs)


def test_an_average_of_all_rounds_is_refused_where_a_generator_is_restarted(tmp_path):
    ema = dict(ema_type='StochasticWeightAverage')
    averaged(tmp_path / 'one', max_iters=3, ema=ema)
    with pytest.raises(ValueError, match=r'ema_type .* but got StochasticWeightAverage'):
        averaged(tmp_path / 'other', max_iters=5, interval=4, ema=ema)


@pytest.mark.parametrize('last', [3, 4])
def test_the_average_begins_anew_with_the_first_layer_of_a_method_s_own(tmp_path, last):
    """Fast-Datafree draws it anew before a round, and the average was mixed with the old one."""
    model = toy_fast_datafree(layer_restart=2)
    runner = toy_runner(tmp_path, last, model=model)
    averages = DistillerEMAHook(momentum=0.25)
    runner.register_hook(averages)
    runner.train()
    live = dict(runner.model.generator.named_parameters())
    pairs = averages.ema_model.module['generator'].named_parameters()
    assert all(average.equal(live[name]) for name, average in pairs) == (last == 3)


@pytest.mark.parametrize('interval', [None, 4])
def test_a_resume_is_exact(tmp_path, interval):
    averaged(tmp_path / 'whole', interval=interval)
    averaged(tmp_path / 'half', max_iters=6, interval=interval)
    averaged(
        tmp_path / 'resumed',
        interval=interval,
        resume=True,
        load_from=str(tmp_path / 'half/iter_3.pth'),
    )
    whole, resumed = (saved(tmp_path / name, 6) for name in ('whole', 'resumed'))
    for part in ('state_dict', 'ema_state_dict'):
        assert whole[part].keys() == resumed[part].keys()
        for name, value in whole[part].items():
            assert value.equal(resumed[part][name]), name


def test_a_run_that_begins_with_weights_averages_from_them(tmp_path):
    averaged(tmp_path / 'one')
    runner, averages = averaged(
        tmp_path / 'other', run=False, load_from=str(tmp_path / 'one/iter_6.pth')
    )
    runner.call_hook('before_run')
    runner.load_or_resume()
    weights = saved(tmp_path / 'one', 6)['state_dict']
    for name, value in averages.ema_model.module.state_dict().items():
        assert value.equal(weights[name]), name


def test_mmengine_s_own_is_told_of(tmp_path):
    averaged(tmp_path, max_iters=1, hook=EMAHook)
    assert 'take DistillerEMAHook' in next(tmp_path.glob('*/*.log')).read_text()
