from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmdfkd.engine.throughput import measure, strip
from mmdfkd.registry import MODELS

CONFIGS = Path(__file__).parents[2] / 'configs'


def test_rounds_with_the_students_steps_are_measured():
    cfg = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist9891.py')
    assert cfg.model.warmup_rounds > 3
    cfg.model.update(g_steps=1, kd_steps=2, kd_batch_size=4)
    cfg.model.memory.capacity = 8
    cfg.model.generator.base_channels = 8
    cfg.train_dataloader.batch_size = 4
    torch.manual_seed(0)
    figures = measure(cfg, warmup=0, rounds=1, count_flops=False)
    assert figures['step_ms']['student_step'] > 0
    assert figures['share']['student_step'] > 0
    rounds_per_s = figures['rounds_per_s']
    assert figures['trained_on_images_per_s'] == pytest.approx((4 + 4) * rounds_per_s)


def test_images_of_a_method_without_a_memory_are_counted():
    cfg = Config.fromfile(CONFIGS / 'mad/mad_lenet5_mnist5k.py')
    cfg.model.update(g_steps=1, kd_steps=3)
    cfg.train_dataloader.batch_size = 4
    figures = measure(cfg, warmup=0, rounds=1, count_flops=False)
    assert figures['trained_on_images_per_s'] == pytest.approx(3 * 8 * figures['rounds_per_s'])


def test_neither_weights_nor_files_are_needed(tmp_path, monkeypatch):
    monkeypatch.setattr('torchvision.models._api.WeightsEnum.get_state_dict', pytest.fail)
    cfg = Config.fromfile(CONFIGS / 'dedfkd_resnet20_resnet8_cifar10.py')
    network = dict(type='torchvision.models.squeezenet1_1', num_classes=10)
    teacher = dict(type='mmdfkd.Classifier', network=dict(network, weights='IMAGENET1K_V1'))
    cfg.model.teacher = dict(teacher, checkpoint='gone.pth', key='ema', sha256='0' * 64)
    cfg.model.student.network = dict(network, weights='IMAGENET1K_V1')
    cfg.model.student.init_from_teacher = False
    teacher = strip(cfg, 6, str(tmp_path)).model.teacher
    assert MODELS.build(teacher).has_weights
    assert 'weights' not in cfg.model.student.network


def test_hooks_are_left_out_by_their_names_too(tmp_path):
    cfg = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py')
    kept = {*strip(cfg.copy(), 6, str(tmp_path)).default_hooks}
    cfg.dump(tmp_path / 'dumped.py')
    dumped = Config.fromfile(tmp_path / 'dumped.py')
    dumped.default_hooks.summary = None  # switched off
    assert {*strip(dumped, 6, str(tmp_path)).default_hooks} == kept | {'summary'}
