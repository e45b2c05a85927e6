"""A config's own networks and method, with hardly any steps."""

from mmengine.config import Config
from toy_images import image_folder


def shorten(path, teacher, rounds, kd_steps=2, batch_size=8):
    """Return the config at ``path`` for ``rounds`` on the teacher's weights in ``teacher``.

    A warm-up is over after the first round, if there is a second one.
    """
    cfg = Config.fromfile(path)
    cfg.model.teacher.update(checkpoint=str(teacher), prefix='')
    cfg.model.kd_steps = kd_steps
    short = dict(g_steps=2, inversion_steps=3, inversions=1, warmup_inversions=1)
    short |= dict(kd_batch_size=batch_size, bank_size=3 * batch_size, num_negatives=batch_size)
    cfg.model.update({key: number for key, number in short.items() if key in cfg.model})
    if cfg.model.get('memory'):
        cfg.model.memory.capacity = 3 * batch_size  # wraps around in the fourth round
    if 'base_channels' in cfg.model.get('generator', {}):
        cfg.model.generator.base_channels = 8
    if 'root' in cfg.model:
        cfg.model.root = image_folder()
    if cfg.model.get('warmup_rounds'):
        cfg.model.warmup_rounds = min(1, rounds - 1)
    for schedules in cfg.param_scheduler.values():
        for schedule in schedules:
            schedule.update({key: min(1, rounds - 1) for key in ('begin',) if schedule.get(key)})
            schedule.update({key: 1 for key in ('end',) if schedule.get(key)})
    cfg.train_dataloader.batch_size = batch_size
    cfg.train_cfg.max_iters = rounds
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    return cfg
