"""Configs of floors and inversions with their published numbers: built, and one round trained."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from toy_images import image_folder

from mmdfkd.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
METHODS = ('noise', 'other_images', 'deepinversion', 'cmi')
PUBLISHED = sorted(
    path
    for name in METHODS
    for path in CONFIGS.glob(f'{name}/*_cifar10.py')
    if 'resnet8' not in path.name
)


@pytest.mark.parametrize('path', PUBLISHED, ids=lambda path: path.stem)
def test_a_round_of_a_published_config(path, tmp_path):
    cfg = Config.fromfile(path)
    teacher = MODELS.build(cfg.model.teacher.network)
    torch.save(teacher.state_dict(), tmp_path / 'teacher.pth')
    cfg.model.teacher.update(checkpoint=str(tmp_path / 'teacher.pth'), prefix='')
    cfg.model.update(kd_steps=1, kd_batch_size=4)
    cfg.model.memory.capacity = 64
    if 'inversion_steps' in cfg.model:
        cfg.model.inversion_steps = 2
    if 'bank_size' in cfg.model:
        cfg.model.update(bank_size=8, num_negatives=4)
    if 'root' in cfg.model:
        cfg.model.root = image_folder()
    cfg.train_dataloader.batch_size = 4
    cfg.train_cfg.max_iters = 1
    cfg.work_dir = str(tmp_path)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert scalars['train/student/loss_kd'].current() >= 0
    assert {f'train/{key}.lr' for key in runner.model.optimised} <= set(scalars)
    assert len(runner.model.memory) == 4
    assert list(tmp_path.glob('*/vis_data/vis_image/synthetic_1.png'))
