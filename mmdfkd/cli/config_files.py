"""How a command finds and reads a config."""

import argparse
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
    or by its name alone, which no other config has.
    """
    path = Path(given)
    if path.is_file() and not given.startswith(_SCOPE):
        return given
    inner = Path(given.removeprefix(_SCOPE))
    if inner.parts[:1] == ('configs',):
        inner = inner.relative_to('configs')
    found = CONFIGS / inner
    if len(inner.parts) == 1 and not found.is_file():
        found = next((CONFIGS.resolve()).rglob(inner.name), found)
    if inner.is_absolute() or not found.is_file():
        names = [file.name for file in CONFIGS.resolve().rglob('*.py')]
        close = difflib.get_close_matches(path.name, names, 1)
        raise argparse.ArgumentTypeError(
            f'{given} should be a config, but is neither in this folder nor among the installed '
            f'ones{f"; did you mean {close[0]}?" if close else ""}'
        )
    if not given.startswith(_SCOPE):
        print(f'{given} is not in this folder: taking {found}', file=sys.stderr, flush=True)
    return str(found)


def config_path(given: str) -> Path:
    """Return :func:`config_file`'s path as one; a type of argparse."""
    return Path(config_file(given))


def read_config(config: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Return the config with the options in it; it may name modules of the current folder."""
    if os.getcwd() not in sys.path:  # a console script has its own folder there
        sys.path.append(os.getcwd())
    cfg = Config.fromfile(config)
    merge_options(cfg, options or {})
    return cfg
