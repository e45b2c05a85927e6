"""Every config is loaded and built; every distiller of one is stepped."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_state_dict
from short_config import shorten

from mmdfkd.models.classifiers import Classifier
from mmdfkd.registry import DATASETS, MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
OTHERS = {'_base_', 'extractors', 'students', 'teachers'}
DISTILLERS = [
    path
    for path in sorted(CONFIGS.rglob('*.py'))
    if path.relative_to(CONFIGS).parts[0] not in OTHERS
]
# Trained on real data: teachers, and students to compare with.
TEACHERS = sorted([*CONFIGS.glob('teachers/*.py'), *CONFIGS.glob('students/*.py')])
CIFAR_TEACHERS = [path for path in TEACHERS if 'cifar' in path.name]


def name(path):
    return str(path.relative_to(CONFIGS))


@pytest.mark.parametrize('path', DISTILLERS, ids=name)
def test_distiller_config_trains_an_iteration(path, tmp_path):
    network = MODELS.build(Config.fromfile(path).model.teacher.network)
    torch.save(network.state_dict(), tmp_path / 'teacher.pth')
    large = any(word in path.name for word in ('imagenet', 'cifar100'))
    cfg = shorten(path, tmp_path / 'teacher.pth', 1, kd_steps=1, batch_size=4 if large else 20)
    cfg.work_dir = str(tmp_path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    logged = {key: value.current() for key, value in scalars.items()}
    assert 'train/student/loss' in logged
    assert any(key.startswith(f'train/{runner.model.phase}/') for key in logged)
    assert all(abs(value) < float('inf') for value in logged.values())
    assert {f'train/{key}.lr' for key in runner.model.optimised} <= set(logged)
    assert list(tmp_path.glob('*/vis_data/vis_image/synthetic_1.png'))


@pytest.mark.parametrize('path', TEACHERS, ids=name)
def test_teacher_config_trains_a_step_and_its_checkpoint_is_a_teacher(path, tmp_path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    model.init_weights()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    pipeline = Compose(cfg.train_dataloader.dataset.pipeline)
    channels = len(cfg.model.data_preprocessor.mean)
    image = np.random.randint(256, size=(64, 64, 3)[: 2 + (channels > 1)], dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    # One without a file reads 'img', one with files 'img_path'.
    source = {'img': image, 'img_path': str(tmp_path / 'image.png')}
    samples = [pipeline(source | {'gt_label': label}) for label in range(4)]
    data = {key: [sample[key] for sample in samples] for key in samples[0]}
    assert model.train_step(data, wrapper)['loss'].isfinite()

    torch.save({'state_dict': get_state_dict(model)}, tmp_path / 'epoch_1.pth')
    network = {key: value for key, value in cfg.model.items() if key != 'data_preprocessor'}
    assert Classifier(network, str(tmp_path / 'epoch_1.pth')).num_classes >= 10


@pytest.mark.parametrize('path', [*DISTILLERS, *TEACHERS], ids=name)
def test_evaluation_set_is_not_the_training_set(path):
    dataset = Config.fromfile(path).val_dataloader.dataset
    # ImageNet's and Tiny-ImageNet's test images have no public labels.
    expected = 'val' if 'imagenet' in path.name else 'test'
    assert expected in (dataset.get('split'), dataset.get('data_prefix'))


def blue_image(path):
    path.parent.mkdir(parents=True)
    cv2.imwrite(str(path), np.full((48, 64, 3), (255, 0, 0), dtype=np.uint8))  # BGR


def assert_is_rgb(dataset, shape):
    assert dataset[0]['inputs'].shape == shape
    assert dataset[0]['inputs'].flatten(1).float().mean(1).tolist() == [0, 0, 255]


def add_base(path, base):
    text = path.read_text()
    end = re.search(r'with read_base\(\):\n(    .+\n)+', text).end()
    path.write_text(f'{text[:end]}    from {base} import *\n{text[end:]}')


@pytest.mark.parametrize(
    ('config', 'folder'),
    [
        ('dedfkd_wrn402_wrn162_cifar10', '._base_.datasets.cifar10_folder'),
        ('teachers/vgg11_cifar100', '.._base_.datasets.cifar100_folder'),
    ],
)
def test_one_more_line_evaluates_on_folders_of_images(config, folder, tmp_path):
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    path = tmp_path / f'configs/{config}.py'
    add_base(path, folder)
    blue_image(tmp_path / 'data/test/airplane/1.png')
    for split in ('val', 'test'):
        dataset = Config.fromfile(path)[f'{split}_dataloader'].dataset
        dataset.data_root = str(tmp_path / 'data')
        assert_is_rgb(DATASETS.build(dataset), (3, 48, 64))


@pytest.fixture(params=CIFAR_TEACHERS, ids=name)
def on_folders(request, tmp_path):
    """A config as it is, and with the line to train on folders of images."""
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    path = tmp_path / 'configs' / request.param.relative_to(CONFIGS)
    add_base(path, f'.._base_.datasets.{path.stem.rsplit("_", 1)[1]}_folder_train')
    return Config.fromfile(request.param), Config.fromfile(path)


def test_one_more_line_trains_on_folders_of_images(on_folders, tmp_path):
    plain, cfg = on_folders
    for split, prefix in (('train', 'train'), ('val', 'test'), ('test', 'test')):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert dataset.data_prefix == prefix
        assert dataset.data_root == plain.test_dataloader.dataset.data_root
        dataset.data_root = str(tmp_path)
    blue_image(tmp_path / 'train/apple/1.png')
    assert DATASETS.build(cfg.train_dataloader.dataset)[0]['inputs'].shape == (3, 32, 32)
    blue_image(tmp_path / 'test/apple/1.png')
    assert_is_rgb(DATASETS.build(cfg.test_dataloader.dataset), (3, 48, 64))


def test_on_folders_the_recipe_is_the_same(on_folders):
    plain, cfg = (config.to_dict() for config in on_folders)
    pipelines = [config['train_dataloader']['dataset']['pipeline'] for config in (plain, cfg)]
    assert pipelines[1][3:] == pipelines[0]  # after reading
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        del cfg[key]['dataset'], plain[key]['dataset']
    assert {key: cfg[key] for key in plain} == plain


def test_the_students_docstring_has_the_line():
    path = CONFIGS / 'students/resnet8_cifar10.py'
    line = '\n    from .._base_.datasets.cifar10_folder_train import *\n'
    assert line in path.read_text().split('"""')[1]


def test_tiny_imagenet_is_evaluated_on_folders_of_images(tmp_path):
    dataset = Config.fromfile(CONFIGS / 'dedfkd_r34_r18_tinyimagenet.py').val_dataloader.dataset
    dataset.data_root = str(tmp_path)
    blue_image(tmp_path / 'val/n01443537/val_0.png')
    assert_is_rgb(DATASETS.build(dataset), (3, 48, 64))


@pytest.mark.parametrize('split', ['train', 'val'])
def test_where_tiny_imagenet_should_be_is_explained(split, tmp_path):
    cfg = Config.fromfile(CONFIGS / 'teachers/resnet34_tinyimagenet.py')
    dataset = cfg[f'{split}_dataloader'].dataset
    dataset.data_root = str(tmp_path)
    where = f'{tmp_path}/{split}.*_base_/datasets/tiny_imagenet.py'
    with pytest.raises(FileNotFoundError, match=where):
        DATASETS.build(dataset)


def test_imagenet_is_resized_and_cropped(tmp_path):
    dataset = Config.fromfile(CONFIGS / 'dedfkd_r50_r18_imagenet.py').val_dataloader.dataset
    dataset.data_root = str(tmp_path)
    blue_image(tmp_path / 'val/1.png')
    (tmp_path / 'meta').mkdir()
    (tmp_path / 'meta/val.txt').write_text('1.png 65\n')
    assert_is_rgb(DATASETS.build(dataset), (3, 224, 224))


def test_a_teacher_that_is_not_there_is_explained():
    cfg = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py')
    cfg.model.teacher.checkpoint = 'nowhere/epoch_40.pth'
    with pytest.raises(FileNotFoundError, match=r'nowhere/epoch_40.pth.*configs/teachers/lenet5'):
        MODELS.build(cfg.model)


def test_one_more_line_validates_without_real_images(tmp_path):
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    path = tmp_path / 'configs/dedfkd/ablation/lenet5_mnist_m4.py'
    add_base(path, '..._base_.datasets.data_free_validation')
    cfg = Config.fromfile(path)
    cfg.val_dataloader.dataset.update(length=20, latent_dim=cfg.model.generator.latent_dim)
    cfg.default_hooks.checkpoint.update(save_best='agreement/kl_augment', rule='less')
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), tmp_path / 'teacher.pth')
    cfg.model.teacher.update(checkpoint=str(tmp_path / 'teacher.pth'))
    cfg.train_cfg.max_iters = 1
    cfg.work_dir = str(tmp_path)
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert {'val/agreement/kl_augment', 'val/class_balance/entropy'} <= set(
        runner.message_hub.log_scalars
    )
    assert list(tmp_path.glob('best_agreement_kl_augment_iter_1.pth'))


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('extractors/*.py')), ids=name)
def test_extractor_config_describes_images(path, tmp_path):
    extractor = Config.fromfile(path).extractor
    network = MODELS.build(extractor.classifier.network)
    torch.save(network.state_dict(), tmp_path / 'weights.pth')
    extractor.classifier.update(checkpoint=str(tmp_path / 'weights.pth'), prefix='')
    built = MODELS.build(extractor)
    channels = len(extractor.data_preprocessor.mean)
    features = built(torch.rand(2, channels, 32, 32) * 255).features
    assert features.shape == (2, built.num_features)


@pytest.mark.parametrize('path', sorted(CONFIGS.rglob('*.py')), ids=name)
def test_a_config_names_hooks_not_their_places(path):
    assert not re.search(r'hooks\[-?\d', path.read_text())


@pytest.mark.parametrize('path', DISTILLERS, ids=name)
def test_rounds_stand_once_and_a_generator_lasts_as_long_as_its_schedule(path):
    cfg = Config.fromfile(path)
    for schedules in cfg.param_scheduler.values():
        for schedule in schedules:
            assert not {'T_max', 'periods'} & schedule.keys()
            assert cfg.train_cfg.max_iters not in (schedule.get('end'), schedule.get('begin'))
    if 'generator_restart' in cfg.default_hooks and cfg.param_scheduler['generator']:
        interval = cfg.default_hooks.generator_restart.interval
        assert interval == cfg.param_scheduler['generator'][0].period


@pytest.mark.parametrize('path', DISTILLERS, ids=name)
def test_images_are_normalised_for_the_teachers_data_set(path):
    # Names come from several bases, and the last one imported wins.
    cfg = Config.fromfile(path)
    assert cfg.model.data_preprocessor == cfg.data_preprocessor
    of_imagenet = any(word in path.name for word in ('imagenet', 'resnet20_', 'resnet56_'))
    assert (cfg.model.data_preprocessor.mean == [123.675, 116.28, 103.53]) == of_imagenet


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*/metafile.yml')), ids=name)
def test_a_metafile_is_of_configs_that_are_there(path):
    root = CONFIGS.parent
    content = yaml.safe_load(path.read_text())
    index = yaml.safe_load((root / 'model-index.yml').read_text())
    assert f'configs/{name(path)}' in index['Import']
    (collection,) = content['Collections']
    assert (root / collection['README']).is_file()
    assert content['Models']
    for model in content['Models']:
        assert Config.fromfile(root / model['Config']).model
        assert model['In Collection'] == collection['Name']


def test_every_method_has_a_readme_and_a_metafile():
    methods = [path for path in CONFIGS.iterdir() if path.is_dir() and path.name not in OTHERS]
    assert methods
    for method in methods:
        assert (method / 'README.md').is_file()
        assert (method / 'metafile.yml').is_file()
