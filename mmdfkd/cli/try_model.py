"""Whether a distillation can be built, before a teacher is trained for it or others have run."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdfkd.registry import MODELS


def try_model(cfg: Config) -> None:
    """Build the distiller of a config, and forget it.

    A teacher whose file is yet to be made is tried with random weights.

    Raises:
        ValueError: if it cannot be built.
    """
    model: dict[str, Any] = cfg.model.copy()
    teacher = model['teacher']
    file = str(teacher.get('checkpoint') or '')
    if file and '://' not in file and not Path(file).expanduser().is_file():
        others = {key: teacher[key] for key in ('type', 'final_layer') if key in teacher}
        model['teacher'] = others | {'network': MODELS.build(teacher['network'])}
    MODELS.build(model)
