import json
from collections import OrderedDict

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from toy_export import BGR, COLOUR, GREY, ROOT, logits_of, untrained_run

from mmdfkd.cli.publish_student import publish
from mmdfkd.export import library_of, load_student, write_safetensors
from mmdfkd.outputs import Output


@pytest.fixture(scope='module')
def grey(tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp('grey'))


@pytest.fixture(scope='module')
def colour(tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp('colour'), COLOUR)


def read(config, checkpoint):
    return load_student(Config.fromfile(config), checkpoint)


def test_the_student_of_a_run_gives_its_logits_of_pixels(grey):
    distiller, config, checkpoint = grey
    (config.parent / 'teacher.pth').rename(config.parent / 'gone.pth')  # it is not needed
    student = read(config, checkpoint)
    (config.parent / 'gone.pth').rename(config.parent / 'teacher.pth')
    pixels = torch.randint(256, (3, 1, 32, 32), dtype=torch.uint8)
    found = student.pixel_classifier()(pixels)
    torch.testing.assert_close(found, logits_of(distiller, pixels))
    assert (student.image_shape, student.num_classes()) == ((1, 32, 32), 10)
    assert student.memory.equal(distiller.memory.images[:40])
    assert [step['type'] for step in student.resize] == ['Resize']


def test_a_published_student_is_the_same(colour, tmp_path):
    distiller, config, checkpoint = colour
    publish(str(config), str(checkpoint), tmp_path / 'student.pth')
    student = read(tmp_path / 'student.py', tmp_path / 'student.pth')
    pixels = torch.rand(2, 3, 32, 32) * 255
    torch.testing.assert_close(student.pixel_classifier()(pixels), logits_of(distiller, pixels))
    assert student.image_shape == (3, 32, 32)
    assert student.classes[:2] == ('airplane', 'automobile')
    assert student.memory is None
    assert student.record['teacher'].startswith('ImageClassifier(backbone=ThinResNet(depth=20)')


def test_a_network_that_takes_bgr_is_given_rgb(tmp_path):
    distiller, config, checkpoint = untrained_run(tmp_path, COLOUR, **BGR)
    student = read(config, checkpoint)
    assert student.memory.equal(distiller.memory.images[:40])
    assert (student.mean, student.std) == ([130.0, 110.0, 100.0], [80.0, 60.0, 50.0])
    expected = logits_of(distiller, student.memory)
    assert not torch.allclose(logits_of(distiller, student.memory.flip(1)), expected)
    torch.testing.assert_close(student.pixel_classifier()(student.memory), expected)
    publish(str(config), str(checkpoint), tmp_path / 'student.pth')
    published = read(tmp_path / 'student.py', tmp_path / 'student.pth')
    torch.testing.assert_close(published.pixel_classifier()(student.memory), expected)
    assert (published.mean, published.swap) == (student.mean, True)


def test_without_a_memory_the_generator_says_the_size(tmp_path):
    config = 'configs/zskt/zskt_lenet5_mnist5k.py'
    cfg = Config.fromfile(ROOT / config)
    assert cfg.model.get('memory') is None
    cfg = Config.fromfile(ROOT / GREY)
    _, config, checkpoint = untrained_run(tmp_path)
    content = torch.load(checkpoint, weights_only=True)
    kept = {k: v for k, v in content['state_dict'].items() if not k.startswith('memory.')}
    torch.save({'state_dict': kept}, checkpoint)
    student = read(config, checkpoint)
    assert (student.image_shape, student.memory) == ((1, 32, 32), None)


def test_without_a_memory_images_may_be_longer_than_high(tmp_path):
    sizes = {'model.generator.image_size': [16, 24]}
    distiller, config, checkpoint = untrained_run(tmp_path, COLOUR, held=0, **sizes)
    content = torch.load(checkpoint, weights_only=True)
    kept = {k: v for k, v in content['state_dict'].items() if not k.startswith('memory.')}
    torch.save({'state_dict': kept}, checkpoint)
    student = read(config, checkpoint)
    assert student.image_shape == distiller.image_shape == (3, 16, 24)
    assert student.num_classes() == 10


@pytest.mark.parametrize('place', ['{}', '~', 'file://{}'])
def test_the_names_of_the_classes_are_those_of_the_teachers_file(tmp_path, monkeypatch, place):
    _, config, checkpoint = untrained_run(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    cfg = Config.fromfile(config)
    cfg.model.teacher.checkpoint = f'{place.format(tmp_path)}/teacher.pth'
    weights = torch.load(tmp_path / 'teacher.pth', weights_only=True)
    names = [f'digit {number}' for number in range(10)]
    meta = {'dataset_meta': {'classes': names}}
    torch.save({'state_dict': weights, 'meta': meta}, tmp_path / 'teacher.pth')
    assert load_student(cfg, checkpoint).classes == tuple(names)
    meta['dataset_meta']['classes'] = [*names, 'of an earlier network']
    torch.save({'state_dict': weights, 'meta': meta}, tmp_path / 'teacher.pth')
    assert load_student(cfg, checkpoint).classes is None


def test_a_preprocessor_that_does_more_is_refused(grey):
    _, config, checkpoint = grey
    cfg = Config.fromfile(config)
    cfg.model.data_preprocessor.pad_size_divisor = 48
    with pytest.raises(ValueError, match=r'subtract a mean and divide by a std, and no more'):
        load_student(cfg, checkpoint)


def test_weights_of_another_student_and_other_configs_are_refused(grey, tmp_path):
    _, config, checkpoint = grey
    cfg = Config.fromfile(config)
    cfg.model.student.network.backbone.width = 1.0
    cfg.model.student.network.head.in_channels = 84
    with pytest.raises(ValueError, match='should hold the config’s student, a ImageClassifier'):
        load_student(cfg, checkpoint)
    (tmp_path / 'other.py').write_text("model = dict(type='Sequential')\n")
    cfg = Config.fromfile(tmp_path / 'other.py')
    with pytest.raises(ValueError, match=r'other\.py should be the config of a run'):
        load_student(cfg, checkpoint)


def test_pretrained_weights_are_not_asked_for(tmp_path, monkeypatch):
    network = dict(type='mmpretrain.TimmClassifier', model_name='test_resnet', num_classes=10)
    _, config, checkpoint = untrained_run(tmp_path, COLOUR, dict(network))
    cfg = Config.fromfile(config)
    cfg.model.student.network.update(pretrained=True, checkpoint_path='gone.pth')
    monkeypatch.setattr('timm.models._builder.load_pretrained', pytest.fail)
    student = load_student(cfg, checkpoint)
    assert 'pretrained' not in student.config


def test_short_names_are_of_the_runs_scope_in_files_of_its_student_too(tmp_path, monkeypatch):
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())
    network = dict(type='mmpretrain.TimmClassifier', model_name='test_resnet', num_classes=10)
    _, config, checkpoint = untrained_run(tmp_path, COLOUR, network)
    text = config.read_text().replace('mmpretrain.TimmClassifier', 'TimmClassifier')
    config.write_text(f"{text}default_scope = 'mmpretrain'\n")
    publish(str(config), str(checkpoint), tmp_path / 'student.pth')
    DefaultScope._instance_dict.clear()  # as in another process
    student = read(tmp_path / 'student.py', tmp_path / 'student.pth')
    assert library_of(student) == 'timm'
    write_safetensors(
        student, Output(tmp_path / 'model.safetensors'), Output(tmp_path / 'config.json')
    )
    assert '_scope_' not in json.loads((tmp_path / 'config.json').read_text())['model_args']
