"""Strict, safe loading of a classifier's weights."""

from pathlib import Path
from urllib.error import URLError

from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torch.hub import get_dir


def _read(checkpoint: str, how_to_get: str) -> dict:
    advice = f'; {how_to_get}' if how_to_get else ''
    is_url = '://' in checkpoint
    if not is_url and not Path(checkpoint).is_file():
        raise FileNotFoundError(f'weights should be at {checkpoint}, but no file is there{advice}')
    try:
        return CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    except (URLError, OSError, TimeoutError) as error:
        if not is_url:
            raise
        place = Path(get_dir()) / 'checkpoints' / checkpoint.rsplit('/', 1)[-1]
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
        # Lenient, so that one error lists all; the network's own key hooks still run.
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        misfits = str(error)
    else:
        problems = {'missing': missing, 'unexpected': unexpected}
        misfits = '; '.join(
            f'{len(keys)} {kind}: {", ".join(keys)}' for kind, keys in problems.items() if keys
        )
    if misfits:
        raise ValueError(
            f'the keys of {checkpoint} should be those of {type(network).__name__}, but got '
            f'{misfits}; check the architecture, num_classes and prefix'
        )
