"""The one way that a command reads a config: what is wrong with it is told at once, by name."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from .cfg_options import merge_options
from .describe import nearest, one_line

ENDINGS = ('.py', '.yaml', '.yml', '.json')


def read_config(file: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config and override it.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it cannot be read, or an option changes nothing.
    """
    path = Path(file)
    if not path.is_file():
        what = 'it is a folder' if path.is_dir() else 'no file is there'
        folder = path.parent if path.parent.is_dir() else Path()
        advice = nearest(path.name, [each.name for each in folder.iterdir() if each.is_file()])
        raise FileNotFoundError(
            f'the config should be at {path}, but {what}; {advice or "give one of configs/"}'
        )
    if path.suffix not in ENDINGS:
        raise ValueError(
            f'the config should be a file that ends in {", ".join(ENDINGS)}, but got {path}; give '
            'the config first'
        )
    try:
        cfg = Config.fromfile(str(path))
    except Exception as error:  # whatever the code in it raises
        raise ValueError(
            f'the config {path} should be readable, but raised {type(error).__name__}: '
            f'{one_line(str(error))}; mend it'
        ) from error
    merge_options(cfg, options or {})
    return cfg


def read_distillation(file: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read the config of a distillation.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it is another config, or cannot be read.
    """
    cfg = read_config(file, options)
    model = cfg.get('model')
    if not (isinstance(model, dict) and {'teacher', 'student'} <= set(model)):
        raise ValueError(
            f'{file} should be the config of a distillation, with a teacher and a student, but '
            f'its model has {sorted(model) if isinstance(model, dict) else model}; give another'
        )
    for name in ('teacher', 'student', 'data_preprocessor'):
        if not isinstance(model.get(name), dict):
            raise ValueError(
                f'model.{name} of {file} should be a dict with a type, but got {model.get(name)!r}'
            )
    return cfg
