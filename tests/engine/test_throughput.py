from pathlib import Path

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
