"""How a command finds and reads a config."""

import difflib
import os
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdfkd.packaged import CONFIGS

from .cfg_options import merge_options

_SCOPE = 'mmdfkd::'


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
        found = next(CONFIGS.resolve().rglob(inner.name), None)
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
        ValueError: if an option is none of a config.
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
    cfg = Config.fromfile(config)
    merge_options(cfg, options or {})
    return cfg
