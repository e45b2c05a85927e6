"""Files of figures: with the settings they are of, and how they were measured."""

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch

import mmdfkd
from mmdfkd.hardware import device_name
from mmdfkd.outputs import Output


def settings_of(args: argparse.Namespace, *left_out: str) -> dict[str, Any]:
    """Return the command line as JSON has it, but for where it goes and what is left out."""
    left_out = ('json', 'force', *left_out)
    given = {name: value for name, value in vars(args).items() if name not in left_out}
    given['cfg_options'] = args.cfg_options or {}
    return json.loads(json.dumps(given, default=str))


def reserve(out: Path, settings: dict[str, Any], force: bool = False) -> Output:
    """Reserve a file of figures before they are measured.

    Args:
        out: the JSON file to be written.
        settings: what the figures will be of, as :func:`settings_of` has it.
        force: replace whatever file is there.

    Raises:
        ValueError: if ``out`` has figures of other settings than these, or is no such file.
        OSError: if it cannot be written.
    """
    if not force and out.is_file():
        _check_same(out, settings)
    inputs = [str(settings[name]) for name in ('config', 'checkpoint') if settings.get(name)]
    own = force or out.is_file()  # a file of the same settings is measured again
    return Output(out, force, lambda _: own, inputs, option='another file with --json')


def _check_same(out: Path, settings: dict[str, Any]) -> None:
    try:
        found = json.loads(out.read_text())['settings']
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f'{out} should be new, or have figures, but is another file; give another with --json, '
            'or --force to replace it'
        ) from None
    differing = sorted(k for k in settings.keys() | found if settings.get(k) != found.get(k))
    if differing:
        raise ValueError(
            f'{out} should be new, or of the same {differing}, but has figures of '
            f'{ {name: found.get(name) for name in differing} }; give another file with --json, '
            'or --force to replace it'
        )


def write(out: Output, settings: dict[str, Any], seconds: float, **figures: Any) -> None:
    """Write figures with their settings, the seconds they took, hardware and versions."""
    device = device_name()
    measured = dict(
        seconds=round(seconds, 1),
        hardware=f'{device}, {torch.get_num_threads()} threads',
        versions=dict(
            mmdfkd=mmdfkd.__version__, python=platform.python_version(), torch=torch.__version__
        ),
    )
    content = dict(settings=settings, measured=measured, **figures)
    out.write(json.dumps(content, indent=2) + '\n')
