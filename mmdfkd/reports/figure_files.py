"""Files of figures: with the settings they are of, and how they were measured."""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

import mmdfkd

from .results import cpu_name


def settings_of(args: argparse.Namespace, *left_out: str) -> dict[str, Any]:
    """Return the command line as JSON has it, but for ``json`` and what is left out."""
    given = {name: value for name, value in vars(args).items() if name not in ('json', *left_out)}
    given['cfg_options'] = args.cfg_options or {}
    return json.loads(json.dumps(given, default=str))


def check_free(out: Path, settings: dict[str, Any]) -> None:
    """Raise a ValueError if ``out`` has figures of other settings than these.

    Args:
        out: the JSON file to be written.
        settings: what the figures will be of, as :func:`settings_of` has it.
    """
    if not out.is_file():
        return
    found = json.loads(out.read_text()).get('settings', {})
    differing = sorted(k for k in settings.keys() | found if settings.get(k) != found.get(k))
    if differing:
        raise ValueError(
            f'{out} should be new, or of the same {differing}, but has figures of '
            f'{ {name: found.get(name) for name in differing} }; give another file with --json'
        )


def write(out: Path, settings: dict[str, Any], seconds: float, **figures: Any) -> None:
    """Write figures with their settings, the seconds they took, hardware and versions."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name()
    measured = dict(
        seconds=round(seconds, 1),
        hardware=f'{device}, {torch.get_num_threads()} threads',
        versions=dict(
            mmdfkd=mmdfkd.__version__, python=platform.python_version(), torch=torch.__version__
        ),
    )
    content = dict(settings=settings, measured=measured, **figures)
    out.write_text(json.dumps(content, indent=2) + '\n')
