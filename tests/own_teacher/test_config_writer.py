"""The written config is a user's file: short, readable, and what the pair says."""

import ast
from dataclasses import replace

import numpy as np
import pytest
from example_pair import DARK, IMAGES, PAIR
from mmengine.config import Config
from mmengine.dataset import Compose
from PIL import Image
from timm.data import create_transform

from mmdfkd.own_teacher import config_text, make_recipe
from mmdfkd.packaged import CONFIGS

COMMAND = "mmdfkd distill resnet18 --weights 't 1.pth'"


def written(pair, tmp_path, rounds=None, test=None):
    text = config_text(pair, make_recipe(pair, rounds), COMMAND, test)
    assert all(len(line) <= 100 for line in text.splitlines())
    path = tmp_path / 'mine.py'
    path.write_text(text)
    return text, Config.fromfile(path)


def test_the_recipe_is_the_configs_but_for_what_the_pair_says(tmp_path):
    pair = replace(PAIR, layout_layers=['backbone.block1', 'backbone.block2'], part=True)
    text, cfg = written(pair, tmp_path)
    assert f'# {COMMAND}\n' in text
    plain = Config.fromfile(CONFIGS / 'dedfkd_wrn162_wrn161_cifar10.py').to_dict()
    mine = cfg.to_dict()
    assert mine['model']['teacher']['network'] == dict(type='T')
    assert mine['model']['student']['init_from_teacher']
    assert mine['model']['data_preprocessor']['mean'] == IMAGES.mean
    for config in (plain, mine):
        for name in ('teacher', 'student', 'data_preprocessor'):
            del config['model'][name]
    assert mine['model'] == plain['model']
    for name in ('optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert mine[name] == plain[name]
    assert mine['train_cfg']['max_iters'] == plain['train_cfg']['max_iters']


def test_a_teacher_without_batch_norms_has_the_recipe_for_that(tmp_path):
    _, cfg = written(DARK, tmp_path)
    plain = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist9891.py').to_dict()
    mine = cfg.to_dict()
    for config in (plain, mine):
        for name in ('teacher', 'student', 'data_preprocessor'):
            del config['model'][name]
    assert mine['model'] == plain['model']
    assert mine['param_scheduler'] == plain['param_scheduler']


def test_where_images_are_not_dark_the_generator_lasts(tmp_path):
    _, cfg = written(replace(PAIR, batch_norms=False), tmp_path)
    assert cfg.model.generator.median_pixel == 127.5
    assert cfg.model.augment[0].flip
    assert cfg.default_hooks.generator_restart.interval == 500
    grey = replace(IMAGES, channels=1, mean=[127.5], std=[127.5])
    _, cfg = written(replace(PAIR, batch_norms=False, images=grey), tmp_path)
    assert not cfg.model.augment[0].flip  # they may be digits


@pytest.mark.parametrize('pair', [PAIR, DARK, replace(PAIR, batch_norms=False)])
@pytest.mark.parametrize('test', [None, '/some/test'])
@pytest.mark.parametrize('rounds', [2, 100])
def test_what_is_imported_is_used(pair, test, rounds, tmp_path):
    pair = replace(pair, prefix='net.', key='ema', layout_layers=['a'])
    text, cfg = written(pair, tmp_path, rounds, test)
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    for name in (alias.name for node in imports for alias in node.names):
        assert text.count(name) > 1, name
    assert cfg.train_cfg.max_iters == rounds
    assert (cfg.model.teacher.prefix, cfg.model.teacher.key) == ('net.', 'ema')
    dataset = cfg.val_dataloader.dataset
    assert dataset.get('data_root') == test
    assert ('test_dataloader' in cfg) == bool(test)


def test_test_images_are_cut_as_the_library_does(tmp_path):
    images = replace(IMAGES, size=100, resize=1.1, interpolation='bicubic')
    _, cfg = written(replace(PAIR, images=images), tmp_path, test='/some/test')
    *_, resize, crop, _ = cfg.val_dataloader.dataset.pipeline
    assert (resize.scale, resize.interpolation, crop.crop_size) == (110, 'bicubic', 100)


def test_squashed_test_images_are_those_of_timm(tmp_path):
    images = replace(IMAGES, size=10, resize=1.2, interpolation='bicubic', squash=True)
    _, cfg = written(replace(PAIR, images=images), tmp_path, test='/some/test')
    pixels = np.random.default_rng(0).integers(0, 256, (20, 33, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    timms = create_transform(10, crop_pct=10 / 12, crop_mode='squash', interpolation='bicubic')
    cut = Compose(cfg.val_dataloader.dataset.pipeline)(dict(img_path=str(tmp_path / 'a.png')))
    expected = Image.fromarray(pixels)
    for transform in timms.transforms[:2]:  # to pixels of its own size; normalising is next
        expected = transform(expected)
    assert np.array_equal(cut['inputs'].permute(1, 2, 0), np.asarray(expected))


@pytest.mark.parametrize(('cores', 'workers'), [(1, 1), (64, 2)])
def test_workers_are_no_more_than_the_cores(cores, workers, tmp_path, monkeypatch):
    monkeypatch.setattr('os.sched_getaffinity', lambda _: set(range(cores)), raising=False)
    _, cfg = written(PAIR, tmp_path, test='/some/test')
    assert cfg.val_dataloader.num_workers == workers


@pytest.mark.parametrize('swap', [True, False])
def test_mean_and_std_have_their_order_told(swap, tmp_path):
    text, cfg = written(replace(PAIR, images=replace(IMAGES, swap=swap)), tmp_path)
    assert ('255, BGR as the networks take them.' in text) == swap
    assert cfg.model.data_preprocessor.to_rgb == swap
