"""Every config is loaded and built; every distiller of one is stepped."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmpretrain.structures import DataSample

from mmdfkd.registry import MODELS

CONFIGS = Path(__file__).parents[1] / 'configs'
DISTILLERS = sorted([*CONFIGS.glob('*.py'), *CONFIGS.glob('ablation/*.py')])
TEACHERS = sorted(CONFIGS.glob('teachers/*.py'))


def name(path):
    return str(path.relative_to(CONFIGS))


@pytest.mark.parametrize('path', DISTILLERS, ids=name)
def test_distiller_config_trains_an_iteration(path, tmp_path):
    cfg = Config.fromfile(path)
    teacher = MODELS.build(cfg.model.teacher.network)
    torch.save(teacher.state_dict(), tmp_path / 'teacher.pth')
    cfg.model.teacher.update(checkpoint=str(tmp_path / 'teacher.pth'), prefix='')
    cfg.model.g_steps = cfg.model.kd_steps = 1
    cfg.model.kd_batch_size = 4
    cfg.model.bank_capacity = 64
    cfg.train_dataloader.batch_size = 20
    cfg.train_cfg.max_iters = 1
    cfg.work_dir = str(tmp_path)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    scalars = runner.message_hub.log_scalars
    assert scalars['train/student/loss_kd'].current() >= 0
    assert {'train/generator.lr', 'train/student.lr'} <= set(scalars)
    assert list(tmp_path.glob('*/vis_data/vis_image/synthetic_1.png'))


@pytest.mark.parametrize('path', TEACHERS, ids=name)
def test_teacher_config_trains_a_step(path):
    cfg = Config.fromfile(path)
    model = MODELS.build(cfg.model)
    model.init_weights()
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    channels = len(cfg.model.data_preprocessor.mean)
    data = {
        'inputs': [torch.randint(256, (channels, 32, 32)) for _ in range(4)],
        'data_samples': [DataSample().set_gt_label(label) for label in range(4)],
    }
    assert model.train_step(data, wrapper)['loss'].isfinite()


@pytest.mark.parametrize('path', [*DISTILLERS, *TEACHERS], ids=name)
def test_evaluation_set_is_a_test_split(path):
    dataset = Config.fromfile(path).val_dataloader.dataset
    assert 'test' in (dataset.get('split'), dataset.get('data_prefix'))


def test_a_teacher_that_is_not_there_is_explained():
    cfg = Config.fromfile(CONFIGS / 'dedfkd_lenet5_mnist5k.py')
    cfg.model.teacher.checkpoint = 'nowhere/epoch_40.pth'
    with pytest.raises(FileNotFoundError, match=r'nowhere/epoch_40.pth.*configs/teachers/lenet5'):
        MODELS.build(cfg.model)
