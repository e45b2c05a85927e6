"""A toy length of any run: its own networks, data sets and code, but hardly any steps."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmdfkd.engine.length import parts
from mmdfkd.registry import MODELS

LENGTH = 2  # rounds of a distiller, epochs of a teacher
BATCH_SIZE = 4
IMAGES = 8  # of each data set
#: Of hooks and schedulers; all become 1: a warm-up lasts half of a toy.
TIMES = ('begin', 'begin_iter', 'end', 'interval', 'period')


def toy_options(cfg: Config) -> dict[str, Any]:
    """Return the options that shorten a teacher's or a distiller's config to a toy.

    Warm-ups and restarts are shortened with it; every round or epoch has a checkpoint.
    """
    key = 'max_iters' if 'max_iters' in cfg.train_cfg else 'max_epochs'
    options: dict[str, Any] = {
        f'train_cfg.{key}': LENGTH,
        'train_cfg.val_interval': LENGTH,
        'train_dataloader.batch_size': BATCH_SIZE,
        'val_dataloader.dataset.indices': IMAGES,
    }
    if cfg.train_cfg.get('val_begin'):
        options['train_cfg.val_begin'] = 1
    if 'teacher' in cfg.model:
        steps = {'g_steps': 1, 'inversion_steps': 2, 'kd_steps': 2, 'kd_batch_size': BATCH_SIZE}
        options |= {f'model.{key}': number for key, number in steps.items() if key in cfg.model}
        if cfg.model.get('warmup_rounds'):
            options['model.warmup_rounds'] = 1
        if cfg.model.get('memory'):
            options['model.memory.capacity'] = IMAGES
        options['train_dataloader.dataset.samples_per_class'] = 2  # pairs for the metric loss
    else:
        options['train_dataloader.dataset.indices'] = IMAGES
    for name in ('param_scheduler', 'default_hooks', 'custom_hooks'):
        for prefix, part in parts(cfg.get(name) or {}, name):
            options |= {f'{prefix}.{time}': 1 for time in TIMES if part.get(time)}
            if part.get('milestones'):
                options[f'{prefix}.milestones'] = [1]
    return options


def toy_checkpoint(teacher: Config, work_dir: Path, configs: Path) -> str | None:
    """Return where a toy's teacher is: under ``work_dir`` if one of ``configs`` makes it.

    No checkpoint is downloaded for a toy: what has a URL gets random weights, written there.
    One without a checkpoint, whose library brings its weights, stays as it is.
    """
    if not teacher.get('checkpoint'):
        return None
    if '://' not in teacher.checkpoint:
        name = Path(teacher.checkpoint).parent.name
        made = work_dir / 'teachers' / name / f'epoch_{LENGTH}.pth'
        return str(made) if (configs / f'{name}.py').is_file() else teacher.checkpoint
    file = work_dir / 'teachers' / Path(teacher.checkpoint).name
    if not file.is_file():
        prefix, weights = teacher.get('prefix', ''), MODELS.build(teacher.network).state_dict()
        file.parent.mkdir(parents=True, exist_ok=True)
        saved = {prefix + key: weight for key, weight in weights.items()}
        torch.save({teacher.key: saved} if teacher.get('key') else saved, file)
    return str(file)
