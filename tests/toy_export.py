"""Runs of untrained students, as a checkpoint of a run leaves them, to be exported."""

from pathlib import Path

import torch
from mmengine.config import Config

from mmdfkd.registry import MODELS

ROOT = Path(__file__).parents[1]
GREY = 'configs/dedfkd_lenet5_mnist5k.py'
COLOUR = 'configs/dedfkd_resnet20_resnet8_cifar10.py'
#: Of :data:`COLOUR`: networks that take BGR, so its mean is that of blue, green, red.
BGR = {
    'model.data_preprocessor.to_rgb': True,
    'model.data_preprocessor.mean': [100.0, 110.0, 130.0],
    'model.data_preprocessor.std': [50.0, 60.0, 80.0],
}


def untrained_run(folder, config=GREY, student=None, held=40, **overrides):
    """Write the config and a checkpoint of a distiller with random images in its memory.

    Returns:
        The distiller in eval mode, the config's file and the checkpoint's.
    """
    torch.manual_seed(0)
    cfg = Config.fromfile(ROOT / config)
    cfg.model.memory.capacity = 50
    if student is not None:
        cfg.model.student.network = student
        cfg.model.student.init_from_teacher = False
    cfg.merge_from_dict(overrides)
    folder.mkdir(exist_ok=True)
    teacher = folder / 'teacher.pth'
    torch.save(MODELS.build(cfg.model.teacher.network).state_dict(), teacher)
    cfg.model.teacher.update(checkpoint=str(teacher), prefix='')
    distiller = MODELS.build(cfg.model)
    with torch.no_grad():  # of logits that are told apart
        list(distiller.student.parameters())[-2].mul_(20)
    if held:
        distiller.memory.add(torch.rand(held, *distiller.image_shape) * 255)
    state = distiller.state_dict()
    torch.save({'state_dict': state, 'meta': {'seed': 3}}, folder / 'iter_1.pth')
    cfg.dump(folder / 'config.py')
    return distiller.eval(), folder / 'config.py', folder / 'iter_1.pth'


def logits_of(distiller, pixels):
    """The student's logits of pixels (N, C, H, W), as the run itself computes them."""
    with torch.no_grad():
        return distiller(distiller.normalize(pixels.float()))
