"""What each library says of a network of its."""

import re
import sys

import pytest
import timm
import torch
from mmengine.config import Config

from mmdfkd.own_teacher import find
from mmdfkd.packaged import CONFIGS


def first(name, options=None):
    return next(find(name, options))


def test_timm_says_size_mean_and_std():
    found = first('test_resnet')
    assert found.network == dict(type='mmpretrain.TimmClassifier', model_name='test_resnet')
    assert (found.library, found.channels, found.image_size) == ('timm', 3, 160)
    assert found.mean == found.std == [127.5] * 3
    assert (found.resize, found.interpolation) == (168 / 160, 'bilinear')
    assert found.pretrained == dict(pretrained=True)


def test_torchvision_says_size_mean_and_std():
    found = first('torchvision/resnet18')
    assert found.network == dict(type='torchvision.models.resnet18')
    assert (found.library, found.channels, found.image_size) == ('torchvision', 3, 224)
    assert found.mean == pytest.approx([123.675, 116.28, 103.53])
    assert found.std == pytest.approx([58.395, 57.12, 57.375])
    assert found.resize == 256 / 224
    assert found.pretrained == dict(weights='IMAGENET1K_V1')


def test_mmpretrain_says_mean_and_std_and_how_a_test_image_is_cut():
    found = first('resnet18_8xb32_in1k')
    assert (found.library, found.image_size, found.resize) == ('mmpretrain', 224, 256 / 224)
    assert found.mean == [123.675, 116.28, 103.53]
    assert not found.swap
    assert found.checkpoint.startswith('https://')
    found.set_classes(7)
    assert found.build().head.num_classes == 7
    cifar = first('mmpretrain/resnet18_8xb16_cifar10')
    assert (cifar.image_size, cifar.resize, cifar.swap) == (32, 1.0, False)


def test_timm_rounds_the_side_before_the_cut_down():
    found = first('resnet50')  # 224 pixels of 95 %, which are 235.8
    assert round(found.image_size * found.resize) == 235


def test_a_network_that_was_tested_on_squashed_images():
    assert first('tf_efficientnetv2_b3').squash
    assert not first('resnet50').squash
    assert not first('resnet18_8xb32_in1k').squash


def config(tmp_path, to_rgb, *more, **model):
    network = dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet_CIFAR', depth=18, out_indices=(3,)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=4, in_channels=512),
    )
    data = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], to_rgb=to_rgb)
    steps = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=24, interpolation='area')]
    steps += more
    loader = dict(dataset=dict(type='CustomDataset', pipeline=steps))
    content = dict(model=network | model, data_preprocessor=data, test_dataloader=loader)
    Config(content).dump(tmp_path / 'mine.py')
    return str(tmp_path / 'mine.py')


@pytest.mark.parametrize('to_rgb', [True, False])
def test_a_config_file_of_mmpretrains_form(to_rgb, tmp_path):
    found = first(config(tmp_path, to_rgb))
    assert (found.image_size, found.mean, found.std) == (24, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    assert found.interpolation == 'box'
    assert found.squash  # Resize keeps no ratio of the sides
    assert found.swap != to_rgb  # files are read as BGR
    assert found.build().head.num_classes == 4


@pytest.mark.parametrize('to_rgb', [True, False])
def test_a_pipeline_that_turns_files_to_rgb(to_rgb, tmp_path):
    """Red and blue of the whole distillation were swapped."""
    more = dict(type='NumpyToPIL', to_rgb=True), dict(type='PILToNumpy')
    assert first(config(tmp_path, to_rgb, *more)).swap == to_rgb


def test_options_reach_the_parts_of_mmpretrains():
    found = first('resnet18_8xb32_in1k', {'backbone.deep_stem': True})
    assert found.network['backbone']['deep_stem']
    assert found.network['backbone']['depth'] == 18
    assert 'backbone.deep_stem' not in found.network
    assert hasattr(found.build().backbone, 'stem')
    with pytest.raises(ValueError, match=r"but got \['deep_stem'\]; write backbone\.NAME=VALUE"):
        first('resnet18_8xb32_in1k', {'deep_stem': True})


def test_a_config_of_the_newer_style():
    found = first(str(CONFIGS / 'teachers/lenet5_mnist5k.py'))
    assert (found.channels, found.image_size, found.mean) == (1, 32, [33.46])
    assert found.build().head.num_classes == 10


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('def build():\n    return 0\n', 'got None; write module:function for a function of yours'),
        ("model = 'resnet18'\n", 'got resnet18; write module:function'),
        ("model = dict(type='MAE')\n", r"got MAE with \['type'\]; write module:function"),
    ],
)
def test_a_file_of_no_classifiers_config_is_refused(text, told, tmp_path):
    (tmp_path / 'mine.py').write_text(text)
    with pytest.raises(ValueError, match=rf'with backbone and head, but {told}'):
        first(str(tmp_path / 'mine.py'))


def test_an_installed_config_is_a_network_of_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert first('configs/teachers/lenet5_mnist5k.py').image_size == 32


def test_a_function_that_returns_more_than_the_network_is_refused(tmp_path, monkeypatch):
    (tmp_path / 'clip_of_mine.py').write_text(
        "import torch\n\n\ndef build():\n    return torch.nn.Linear(2, 2), 'its transform'\n"
    )
    monkeypatch.setattr(sys, 'path', [*sys.path, str(tmp_path)])
    with pytest.raises(
        ValueError, match=r'clip_of_mine\.build should return .*, but got a tuple; '
    ):
        first('clip_of_mine:build')


def test_a_function_of_the_users(tmp_path, monkeypatch):
    (tmp_path / 'nets_of_mine.py').write_text(
        'import timm, torch\n\n\n'
        'def plain(width=3):\n'
        '    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(width, 2))\n\n\n'
        "def of_timm():\n    return timm.create_model('test_resnet', num_classes=2)\n"
    )
    monkeypatch.setattr(sys, 'path', [*sys.path, str(tmp_path)])
    plain = first('nets_of_mine:plain', dict(width=5))
    assert plain.network == dict(type='nets_of_mine.plain', width=5)
    assert (plain.mean, plain.image_size, plain.pretrained) == (None, None, None)
    assert plain.build()[1].in_features == 5
    assert first('nets_of_mine:of_timm').image_size == 160


@pytest.mark.parametrize(
    ('name', 'told'),
    [
        (
            'broken_nets:small',
            'broken_nets should be importable from the current folder or PYTHONPATH, but that '
            "raised ModuleNotFoundError: No module named 'package_not_there'; mend it",
        ),
        ('nets_not_there:small', "raised ModuleNotFoundError: No module named 'nets_not_there'"),
        ('wrong_nets:small', 'but that raised SyntaxError: '),
        ('good_nets:smal', "good_nets, but that has no 'smal'; did you mean small?"),
        ('good_nets:', "good_nets, but that has no ''; mind its spelling"),
    ],
)
def test_why_a_function_of_the_users_is_not_there_is_told(name, told, tmp_path, monkeypatch):
    (tmp_path / 'broken_nets.py').write_text('import package_not_there\n')
    (tmp_path / 'wrong_nets.py').write_text('def small(:\n')
    (tmp_path / 'good_nets.py').write_text(
        'import torch\n\n\ndef small():\n    return torch.nn.Linear(2, 2)\n\n\n'
        'class Nets:\n    small = staticmethod(small)\n'
    )
    monkeypatch.setattr(sys, 'path', [*sys.path, str(tmp_path)])
    with pytest.raises(ValueError, match=re.escape(told)):
        first(name)
    assert first('good_nets:Nets.small').network == dict(type='good_nets.Nets.small')


def test_a_folder_that_timm_has_saved(tmp_path):
    network = timm.create_model('test_resnet', num_classes=2)
    network.pretrained_cfg = {**network.pretrained_cfg, 'mean': (0.1, 0.2, 0.3)}
    timm.models.save_for_hf(network, tmp_path)
    found = first(f'local-dir:{tmp_path}')
    assert found.mean == pytest.approx([25.5, 51, 76.5])
    found.network |= found.pretrained
    inputs = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(found.build().eval()(inputs), network.eval()(inputs))


def test_both_libraries_that_have_a_name_are_found_timm_first():
    assert [each.library for each in find('resnet18')] == ['timm', 'torchvision']


@pytest.mark.parametrize(
    ('name', 'close'), [('test_resnett', 'test_resnet'), ('timm/resnet18_8xb32_in1k', '')]
)
def test_an_unknown_name_is_told_with_the_nearest(name, close):
    with pytest.raises(ValueError, match=f'a network should be a name of timm.*{close}'):
        first(name)


def test_a_network_of_a_fixed_size_is_built_for_another():
    found = first('test_vit')
    found.set_image_size(32)
    assert found.network['img_size'] == 32
    free = first('test_resnet')
    free.set_image_size(32)
    assert 'img_size' not in free.network
