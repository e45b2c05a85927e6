"""Strict, safe loading of a classifier's weights."""

from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from torch import Tensor, nn


def _read(checkpoint: str, how_to_get: str) -> dict:
    advice = f'; {how_to_get}' if how_to_get else ''
    if not checkpoint.startswith(('http://', 'https://')):
        if not Path(checkpoint).is_file():
            raise FileNotFoundError(
                f'weights should be at {checkpoint}, but no file is there{advice}'
            )
        return torch.load(checkpoint, map_location='cpu', weights_only=True)
    try:
        # MMEngine's own loader would unpickle a downloaded file without safe loading.
        return torch.hub.load_state_dict_from_url(checkpoint, map_location='cpu', weights_only=True)
    except (URLError, OSError) as error:
        name = Path(urlparse(checkpoint).path).name
        place = Path(torch.hub.get_dir()) / 'checkpoints' / name
        raise FileNotFoundError(
            f'{checkpoint} should be downloaded, but: {error}; bring the file to {place}, '
            f'or set checkpoint to where you have it{advice}'
        ) from error


def load_weights(
    network: nn.Module, checkpoint: str, prefix: str = '', how_to_get: str = ''
) -> None:
    """Load every weight of ``network`` from a file, or explain why not.

    Args:
        network: receives the weights.
        checkpoint: a path or URL of a state dict, or of a checkpoint with one
            under ``'state_dict'``. Read with torch's safe loader.
        prefix: leading part of the file's keys to strip, e.g. ``'module.'``; keys
            that do not begin with it are left out.
        how_to_get: added to the error if the file is not there.

    Raises:
        FileNotFoundError: if the file is not there and cannot be downloaded.
        ValueError: if a key is missing, unexpected or of another shape.
    """
    content = _read(checkpoint, how_to_get)
    state: dict[str, Tensor] = dict(content.get('state_dict', content))
    if prefix:
        state = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        misfits = str(error).replace('Missing key(s) in state_dict', 'missing keys')
        misfits = misfits.replace('Unexpected key(s) in state_dict', 'unexpected keys')
        raise ValueError(
            f'the keys of {checkpoint} should be those of {type(network).__name__}, but got '
            f'{misfits}; check the architecture, num_classes and prefix'
        ) from error


def leave_teacher_out(distiller: Any, state: dict, prefix: str, local_metadata: dict) -> None:
    """State dict hook: drop a teacher that its own file restores; it can be most of it."""
    if distiller.teacher.checkpoint is not None:
        for key in [key for key in state if key.startswith(f'{prefix}teacher.')]:
            del state[key]


def keep_teacher(distiller: Any, state: dict, prefix: str, *_: object) -> None:
    """Load hook: let a checkpoint without the teacher load without complaint."""
    for key, value in distiller.teacher.state_dict(prefix=f'{prefix}teacher.').items():
        state.setdefault(key, value)
