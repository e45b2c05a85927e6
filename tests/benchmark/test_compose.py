from pathlib import Path

import pytest
from mmengine.config import Config

from mmdfkd.benchmark import compose
from mmdfkd.benchmark.compose import image_shape
from mmdfkd.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'
DIGITS = CONFIGS / 'dedfkd_lenet5_mnist5k.py'
CIFAR100 = CONFIGS / 'dedfkd_wrn402_wrn161_cifar100.py'
INVERSION = CONFIGS / 'deepinversion/deepinversion_resnet20_resnet8_cifar10.py'
LIVE = CONFIGS / 'dfad/dfad_lenet5_mnist5k.py'


def read(path):
    return Config.fromfile(path)


@pytest.mark.parametrize('method', [DIGITS, CIFAR100, INVERSION, LIVE], ids=lambda p: p.stem)
@pytest.mark.parametrize('pair', [DIGITS, CIFAR100, INVERSION], ids=lambda p: p.stem)
def test_networks_and_data_are_the_pairs_and_all_else_the_methods(method, pair):
    cfg = compose(read(method), read(pair))
    for name in ('teacher', 'student', 'data_preprocessor'):
        assert cfg.model[name] == read(pair).model[name]
    assert cfg.val_dataloader == read(pair).val_dataloader
    assert image_shape(cfg) == image_shape(read(pair))
    assert cfg.train_dataloader.dataset.num_classes == (100 if pair == CIFAR100 else 10)
    assert cfg.model.get('generator', {}).get('num_classes', 0) in (
        0,
        cfg.train_dataloader.dataset.num_classes,
    )
    for name in ('optim_wrapper', 'param_scheduler', 'train_cfg'):
        assert cfg[name] == read(method)[name]
    losses = {key: value for key, value in read(method).model.items() if 'loss' in key}
    assert {key: cfg.model[key] for key in losses} == losses
    augment = read(method).model.get('augment') and read(pair).model.augment
    assert cfg.model.get('augment') == augment


def test_the_sources_stay_as_they_are():
    method, pair = read(LIVE), read(CIFAR100)
    before = method.pretty_text, pair.pretty_text
    compose(method, pair).model.teacher.update(checkpoint='other')
    assert (method.pretty_text, pair.pretty_text) == before


@pytest.mark.parametrize(('method', 'in_turn'), [(DIGITS, 2), (LIVE, None)])
def test_many_classes_come_in_pairs_for_a_metric_loss(method, in_turn):
    labels = compose(read(method), read(CIFAR100)).train_dataloader.dataset
    assert labels.get('samples_per_class') == in_turn


def test_a_teachers_config_is_no_pair():
    with pytest.raises(ValueError, match=r'the pair should be .*teachers/lenet5_mnist5k.py'):
        compose(read(LIVE), read(CONFIGS / 'teachers/lenet5_mnist5k.py'))


def test_stages_are_those_of_the_pairs_teacher():
    wide, thin = read(CIFAR100), read(CONFIGS / 'dedfkd_resnet20_resnet8_cifar10.py')
    cfg = compose(wide, thin)
    assert cfg.model.loss_layout == wide.model.loss_layout
    assert cfg.model.layout_layers == thin.model.layout_layers != wide.model.layout_layers
    assert compose(wide, read(INVERSION)).model.layout_layers == wide.model.layout_layers
    assert not compose(read(DIGITS), thin).model.get('layout_layers')


@pytest.mark.parametrize('pair', [DIGITS, CIFAR100], ids=lambda p: p.stem)
def test_a_generator_of_layers_takes_any_pair(pair):
    generator = compose(read(CONFIGS / 'dedfkd_lenet5_mnist9891.py'), read(pair)).model.generator
    assert MODELS.build(generator).num_classes == (100 if pair == CIFAR100 else 10)


def test_both_import_what_is_theirs():
    """A network that is registered by custom_imports was not known in the training."""
    method, pair = read(LIVE), read(DIGITS)
    assert 'custom_imports' not in compose(method, pair)
    pair.custom_imports = dict(imports='json', allow_failed_imports=False)
    assert compose(method, pair).custom_imports['imports'] == ['json']
    method.custom_imports = dict(imports=['csv', 'json'])
    cfg = compose(method, pair)
    assert cfg.custom_imports == dict(imports=['csv', 'json'], allow_failed_imports=False)


@pytest.mark.parametrize(
    ('method', 'pair'),
    [
        ('dfad/dfad_lenet5_mnist5k', 'dedfkd_wrn402_wrn161_cifar100'),
        ('dedfkd_wrn402_wrn161_cifar100', 'dfad/dfad_lenet5_mnist5k'),
    ],
)
def test_images_are_as_dark_as_the_pairs(method, pair):
    method, pair = (Config.fromfile(CONFIGS / f'{name}.py') for name in (method, pair))
    medians = [cfg.model.generator.get('median_pixel') for cfg in (method, pair)]
    assert medians[0] != medians[1]
    assert compose(method, pair).model.generator.get('median_pixel') == medians[1]
