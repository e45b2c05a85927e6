"""How a command finds and reads a config."""

import difflib
import glob
import os
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdfkd.packaged import CONFIGS

from .cfg_options import merge_options
from .describe import one_line

_SCOPE = 'mmdfkd::'
_ENDINGS = ('.py', '.yaml', '.yml', '.json')


def config_file(given: str) -> str:
    """Return the path of a config; a type of argparse.

    One that is not in the current folder is looked for among those that are installed: by its
    path there (``configs/teachers/lenet5_mnist.py``, or MMEngine's ``mmdfkd::teachers/...``),
    or by its name alone, which no other config has. One that is nowhere is left as it is:
    :func:`read_config` tells it.
    """
    inner = Path(given.removeprefix(_SCOPE))
    if Path(given).is_file() or inner.is_absolute() or '..' in inner.parts:
        return given
    if inner.parts[:1] == ('configs',):
        inner = inner.relative_to('configs')
    found: Path | None = CONFIGS / inner
    if len(inner.parts) == 1 and not (CONFIGS / inner).is_file():
        found = next(CONFIGS.resolve().rglob(glob.escape(inner.name)), None)
    if found is None or not found.is_file():
        return given
    if not given.startswith(_SCOPE):
        print(f'{given} is not in this folder: taking {found}', file=sys.stderr, flush=True)
    return str(found)


def config_path(given: str) -> Path:
    """Return :func:`config_file`'s path as one; a type of argparse."""
    return Path(config_file(given))


def read_config(config: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Return the config with the options in it; it may name modules of the current folder.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it cannot be read, or an option is none of a config.
    """
    if not Path(config).is_file():
        names = [file.name for file in CONFIGS.resolve().rglob('*.py')]
        close = difflib.get_close_matches(Path(config).name, names, 1)
        raise FileNotFoundError(
            f'{config} should be a config, but is neither in this folder nor among the installed '
            f'ones{f"; did you mean {close[0]}?" if close else ""}'
        )
    if os.getcwd() not in sys.path:  # a console script has its own folder there
        sys.path.append(os.getcwd())
    if Path(config).suffix not in _ENDINGS:
        raise ValueError(
            f'the config should be a file that ends in {", ".join(_ENDINGS)}, but got {config}; '
            'give the config first'
        )
    try:
        cfg = Config.fromfile(config)
    except Exception as error:  # whatever the code in it raises
        raise ValueError(
            f'the config {config} should be readable, but raised {type(error).__name__}: '
            f'{one_line(str(error))}; mend it'
        ) from error
    merge_options(cfg, options or {})
    if cfg.get('default_scope'):  # as a Runner does: short names in the config are of it
        init_default_scope(cfg.default_scope)
    return cfg


def read_distillation(config: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Return the config of a distillation with the options in it.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it is another config, or cannot be read.
    """
    cfg = read_config(config, options)
    model = cfg.get('model')
    if not (isinstance(model, dict) and {'teacher', 'student'} <= set(model)):
        raise ValueError(
            f'{config} should be the config of a distillation, with a teacher and a student, but '
            f'its model has {sorted(model) if isinstance(model, dict) else model}; give another'
        )
    for name in ('teacher', 'student'):
        if not isinstance(model[name], dict):
            raise ValueError(
                f'model.{name} of {config} should be a dict with a type, but got {model[name]!r}'
            )
    return cfg
