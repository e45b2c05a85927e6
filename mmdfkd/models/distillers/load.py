"""A distiller as a checkpoint of its run left it."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmdfkd.registry import MODELS


def load_distiller(cfg: Config, checkpoint: str | Path) -> Any:
    """Build the config's distiller with the checkpoint's weights and bank, in eval mode.

    Args:
        cfg: the config of the run; of it ``model`` is used.
        checkpoint: a file that ``tools/train.py`` wrote; read with torch's safe loader.

    Raises:
        FileNotFoundError: if the checkpoint or the teacher's weights are not there.
        ValueError: if the checkpoint is of another config.
    """
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(
            f'the checkpoint should be at {checkpoint}, but no file is there; '
            'give one that tools/train.py wrote'
        )
    content = torch.load(checkpoint, map_location='cpu', weights_only=True)
    distiller = MODELS.build(cfg.model)
    try:
        distiller.load_state_dict(content.get('state_dict', content))
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} should be a checkpoint of the config’s {type(distiller).__name__}, '
            f'but got {error}; give the config that the run has in its work dir'
        ) from error
    return distiller.eval()
