"""A distiller as a checkpoint of its run left it."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.registry import MODELS
from mmdfkd.weights import check_finite, find_weights


def load_distiller(cfg: Config, checkpoint: str | Path) -> Any:
    """Build the config's distiller with the checkpoint's weights and memory, in eval mode.

    Args:
        cfg: the config of the run; of it ``model`` is used.
        checkpoint: path or URL of a file that ``mmdfkd train`` wrote; read safely.

    Raises:
        FileNotFoundError: if the checkpoint or the teacher's weights are not there.
        ValueError: if the checkpoint is of another config, or holds NaN or infinity.
    """
    content = read_checkpoint(checkpoint, 'give one that mmdfkd train wrote')
    weights = find_weights(content, checkpoint)
    check_finite(weights, checkpoint, 'the run had diverged; give an earlier checkpoint')
    distiller = MODELS.build(cfg.model)
    try:
        distiller.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} should be a checkpoint of the config’s {type(distiller).__name__}, '
            f'but got {error}; give the config that the run has in its work dir'
        ) from error
    return distiller.eval()
