import pytest
import torch
from mmengine.config import Config
from toy import toy_network

from mmdfkd.cli.toy_length import toy_checkpoint, toy_options
from mmdfkd.models.classifiers import Classifier
from mmdfkd.registry import MODELS


def test_warm_ups_and_restarts_fit_into_the_toy():
    cfg = Config(
        dict(
            model=dict(teacher=dict(), warmup_rounds=100),
            train_cfg=dict(max_iters=1000),
            param_scheduler=dict(
                generator=[dict(type='CosinePeriodLR', period=250)],
                student=[
                    dict(type='LinearLR', begin=0, end=100),
                    dict(type='CosineAnnealingLR', begin=100),
                ],
            ),
            default_hooks=dict(nan=dict(type='NonFinite'), restart=dict(type='Re', interval=250)),
            custom_hooks=[dict(type='NonFiniteLossHook'), dict(type='Restart', interval=250)],
        )
    )
    options = toy_options(cfg)
    assert {k: v for k, v in options.items() if k.startswith(('param', 'default', 'custom'))} == {
        'param_scheduler.generator.0.period': 1,
        'param_scheduler.student.0.end': 1,
        'param_scheduler.student.1.begin': 1,
        'default_hooks.restart.interval': 1,
        'custom_hooks.1.interval': 1,
    }
    assert options['train_cfg.max_iters'] == 2
    assert options['model.warmup_rounds'] == 1


def test_milestones_and_what_begins_late_fit_into_the_toy():
    cfg = Config(
        dict(
            model=dict(teacher=dict()),
            train_cfg=dict(max_iters=1000, val_begin=300),
            param_scheduler=[dict(type='MultiStepLR', milestones=[300, 500])],
            custom_hooks=[dict(type='DistillerEMAHook', begin_iter=300)],
        )
    )
    options = toy_options(cfg)
    assert options['train_cfg.val_begin'] == 1
    assert options['param_scheduler.0.milestones'] == [1]
    assert options['custom_hooks.0.begin_iter'] == 1


def test_a_teacher_is_short_of_epochs_and_images():
    schedule = dict(type='CosineAnnealingLR')
    cfg = Config(dict(model=dict(), train_cfg=dict(max_epochs=200), param_scheduler=schedule))
    options = toy_options(cfg)
    assert options['train_cfg.max_epochs'] == 2
    assert options['train_dataloader.dataset.indices'] == 8


@pytest.mark.parametrize('name', ['wrn', 'given'])
def test_a_toys_teacher_is_its_own_unless_it_was_given(tmp_path, name):
    (tmp_path / 'wrn.py').touch()
    teacher = Config(dict(checkpoint=f'somewhere/{name}/epoch_200.pth'))
    made = toy_checkpoint(teacher, tmp_path / 'work', tmp_path)
    own = str(tmp_path / 'work/teachers/wrn/epoch_2.pth')
    assert made == (own if name == 'wrn' else teacher.checkpoint)


def test_a_toys_teacher_may_have_its_librarys_weights(tmp_path):
    teacher = Config(dict(network=dict(type='torchvision.models.vgg11', weights='DEFAULT')))
    assert toy_checkpoint(teacher, tmp_path, tmp_path) is None


def test_a_toys_teacher_is_saved_under_its_key(tmp_path):
    url, network = 'https://example.invalid/weights.pth', dict(type=toy_network)
    teacher = dict(type=Classifier, checkpoint=url, key='ema', network=network)
    teacher['checkpoint'] = toy_checkpoint(Config(teacher), tmp_path, tmp_path)
    assert MODELS.build(teacher).has_weights


def test_nothing_is_downloaded_for_a_toy(tmp_path):
    url, network = 'https://example.invalid/weights.pth', dict(type=toy_network)
    teacher = Config(dict(checkpoint=url, prefix='module.', network=network))
    made = toy_checkpoint(teacher, tmp_path, tmp_path)
    assert made == str(tmp_path / 'teachers/weights.pth')
    weights = torch.load(made, weights_only=True)
    assert list(weights) == [f'module.{key}' for key in toy_network().state_dict()]
