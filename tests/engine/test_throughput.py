from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmdfkd.engine.throughput import measure

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
