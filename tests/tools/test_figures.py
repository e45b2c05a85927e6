import json
import re
import sys
from pathlib import Path

import pytest
import torch
from load_tool import load_tool
from mmengine.config import Config, ConfigDict

from mmdfkd.models.distillers import samples_of
from mmdfkd.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[2]
CONFIG = 'configs/dedfkd_lenet5_mnist5k.py'


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A checkpoint of random networks and the options that fit it."""
    folder = tmp_path_factory.mktemp('run')
    cfg = Config.fromfile(ROOT / CONFIG)
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), folder / 'teacher.pth')
    options = {
        'model.teacher.checkpoint': str(folder / 'teacher.pth'),
        'model.generator.base_channels': 2,
        'model.memory.capacity': 64,
    }
    cfg.merge_from_dict(options)
    model = MODELS.build(cfg.model)
    images = torch.rand(40, 1, 32, 32) * 255
    images[7] = images[30]
    model.memory.add(images)
    torch.save({'state_dict': model.state_dict()}, folder / 'iter_1.pth')
    return folder, [f'{key}={value}' for key, value in options.items()]


def figures(run, *arguments):
    folder, options = run
    file = folder / 'figures.json'
    file.unlink(missing_ok=True)
    common = [str(ROOT / CONFIG), str(folder / 'iter_1.pth'), '--batch-size', '50']
    cache = [] if '--no-real' in arguments else ['--cache-dir', str(folder / 'cache')]
    load_tool('figures').main([*common, *cache, *arguments, '--cfg-options', *options])
    return json.loads(file.read_text()) if file.exists() else None


@pytest.mark.filterwarnings('ignore:.*features.*:UserWarning')
def test_every_family_is_there_and_a_second_run_is_the_same(run, capsys):
    first = figures(run, '--num', '100', '--extractor', 'teacher')
    printed = capsys.readouterr().out
    assert '100 images of the generator' in printed
    assert 'MNIST5k' in json.dumps(first['protocol'])
    assert first['num_fake'] == 100
    for name in ('fid', 'fid_floor', 'kid', 'precision', 'recall', 'density', 'coverage'):
        assert f'fidelity/{name}' in first['figures']
        assert f'\n| fidelity/{name} | ' in printed
    for name in ('class_balance/entropy_real', 'diversity/intra_real', 'agreement/top1_noise'):
        assert name in first['figures']
    assert sum(first['details']['class_balance']['share']) == pytest.approx(1)
    assert list((run[0] / 'cache').iterdir())
    again = figures(run, '--num', '100', '--extractor', 'teacher')
    for result in (first, again):
        measured = result.pop('measured')
        assert measured['seconds'] > 0
        assert 'threads' in measured['hardware']
        assert measured['versions']['torch'] == torch.__version__
    assert again == first


@pytest.mark.filterwarnings('ignore:FID .*should have more images')
def test_figures_inside_each_class(run, capsys):
    found = figures(run, '--num', '100', '--extractor', 'teacher', '--per-class')
    assert found['settings']['per_class']
    of_classes = [found['figures'][f'fidelity/fid_class_{k}'] for k in range(10)]
    assert found['figures']['fidelity/fid_class_mean'] == pytest.approx(sum(of_classes) / 10)
    assert found['figures']['fidelity/fid_class_mean_floor'] < sum(of_classes) / 10
    assert 'fid_class_9_floor' in capsys.readouterr().out


def test_there_is_a_bar_on_a_terminal_only(run, monkeypatch, capsys):
    figures(run, '--num', '30', '--no-real')
    printed, told = capsys.readouterr()
    assert ('synthetic images' in printed, told) == (False, '')
    monkeypatch.setattr(sys.stdout, 'isatty', lambda: True)
    figures(run, '--num', '30', '--no-real')
    assert re.search('synthetic images.* 100%', capsys.readouterr().out)


def test_figures_of_something_else_are_not_overwritten(run, tmp_path):
    there = ['--num', '30', '--no-real', '--json', str(tmp_path / 'figures.json')]
    figures(run, *there)
    figures(run, *there)
    with pytest.raises(ValueError, match=r"of the same \['seed'\].*--json"):
        figures(run, *there, '--seed', '5')
    with pytest.raises(ValueError, match=r"of the same \['cfg_options'\].*'model.memory.capacity'"):
        figures((run[0], [*run[1], 'model.kd_steps=3']), *there)


def test_without_real_images(run):
    result = figures(run, '--num', '30', '--no-real')
    assert not any('fidelity' in name or 'real' in name for name in result['figures'])
    assert result['figures']['class_balance/label_agreement'] <= 1


def test_of_the_memory_there_is_what_it_holds(run):
    result = figures(run, '--source', 'memory', '--no-real')
    assert (result['settings']['source'], result['num_fake']) == ('memory', 40)
    assert result['figures']['memory/duplicates'] == 2 / 40
    assert 'class_balance/label_agreement' not in result['figures']


def test_an_extractor_of_a_config(run, tmp_path):
    teacher = run[0] / 'teacher.pth'
    (tmp_path / 'extractor.py').write_text(
        'from mmengine.config import read_base\n'
        'from mmdfkd.evaluation import ClassifierExtractor\n'
        'from mmdfkd.models.backbones import DAFLLeNet5\n'
        'from mmdfkd.models.classifiers import Classifier\n'
        'from mmpretrain.models import ClsDataPreprocessor, ImageClassifier, LinearClsHead\n'
        'extractor = dict(type=ClassifierExtractor, data_preprocessor=dict('
        'type=ClsDataPreprocessor, mean=[33.46], std=[78.87]), classifier=dict('
        f'type=Classifier, checkpoint={str(teacher)!r}, network=dict(type=ImageClassifier, '
        'backbone=dict(type=DAFLLeNet5), head=dict(type=LinearClsHead, num_classes=10, '
        'in_channels=84))))\n'
    )
    of_config = figures(run, '--num', '100', '--extractor', str(tmp_path / 'extractor.py'))
    of_teacher = figures(run, '--num', '100', '--extractor', 'teacher')
    assert of_config['figures'] == pytest.approx(of_teacher['figures'], rel=1e-4)


def test_an_empty_memory(run):
    tool = load_tool('figures')
    args = tool.parse_args([CONFIG, 'x.pth', '--source', 'memory'])
    cfg = Config.fromfile(ROOT / CONFIG)
    cfg.merge_from_dict(dict(option.split('=') for option in run[1][:1]))
    with pytest.raises(ValueError, match='the memory should hold images'):
        samples_of(MODELS.build(cfg.model), args.source, args.num, args.seed)


def test_the_training_split(tmp_path):
    train_split = load_tool('figures').train_split
    assert train_split(ConfigDict(type='X', split='test')) == dict(type='X', split='train')
    assert train_split(ConfigDict(data_prefix='val')) == dict(data_prefix='train')
    # A choice of the test images is none of the training images.
    assert train_split(ConfigDict(split='test', indices=[0, 5])) == dict(split='train')
    cfg = Config.fromfile(ROOT / 'configs/dedfkd_r34_r18_tinyimagenet.py')
    cfg.test_dataloader.dataset.data_root = str(tmp_path)
    with pytest.raises(FileNotFoundError, match=f'{tmp_path}/train should have'):
        DATASETS.build(train_split(cfg.test_dataloader.dataset))
    with pytest.raises(ValueError, match='real_images=dict'):
        train_split(ConfigDict(type='X'))
    for both in (dict(split='val', data_prefix='val'), dict(data_prefix='val', ann_file='a.txt')):
        with pytest.raises(ValueError, match='alone, so that its training split can be named'):
            train_split(ConfigDict(both))


def test_a_config_may_name_the_real_images_itself():
    tool, cfg = load_tool('figures'), Config.fromfile(ROOT / CONFIG)
    cfg.real_images = cfg.test_dataloader.dataset
    args = tool.parse_args([CONFIG, 'x.pth', '--extractor', 'teacher'])
    fidelity = tool.make_metrics(args, cfg)[0]
    assert len(fidelity.real) == len(fidelity.floor)
    cfg.pop('real_images')
    assert len(tool.make_metrics(args, cfg)[0].real) != len(fidelity.floor)
