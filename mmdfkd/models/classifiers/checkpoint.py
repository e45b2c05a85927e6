"""Strict, safe loading of a classifier's weights."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.weights import check_finite, find_weights

#: Of a checkpoint that leaves the teacher out: the digest of its weights, as bytes.
DIGEST_KEY = 'teacher_sha256'


def load_weights(
    network: nn.Module,
    checkpoint: str,
    prefix: str = '',
    how_to_get: str = '',
    key: str | None = None,
    sha256: str | None = None,
) -> tuple[str, ...] | None:
    """Load every weight of ``network`` from a file, or explain why not.

    Args:
        network: receives the weights.
        checkpoint: a path or URL of a state dict, or of a checkpoint with one, as
            :func:`~mmdfkd.checkpoint_files.read_checkpoint` takes it.
        prefix: leading part of the file's keys to strip, e.g. ``'module.'``; keys
            that do not begin with it are left out.
        how_to_get: added to the error if the file is not there.
        key: the file's entry with the weights, if it is not a usual one.
        sha256: the digest that the file should have, or None.

    Returns:
        The names of the classes, if the file says them, as MMEngine's do.

    Raises:
        FileNotFoundError: if the file is not there and cannot be downloaded.
        ValueError: if it is no checkpoint, has another digest or weights that are no
            numbers, or if a key is missing, unexpected or of another shape.
    """
    content = read_checkpoint(checkpoint, how_to_get, sha256)
    state = find_weights(content, checkpoint, key)
    if prefix:
        state = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    check_finite(state, checkpoint, 'train it anew, or give an earlier checkpoint')
    for name, value in network.state_dict().items():
        given = state.get(name)
        if not (isinstance(value, Tensor) and isinstance(given, Tensor)):
            continue
        if value.is_floating_point() and not given.is_floating_point():
            raise ValueError(
                f'the weights of {checkpoint} should be floating-point numbers, but {name} is '
                f'{given.dtype}; give the weights before they were quantised'
            )
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        misfits = str(error).replace('Missing key(s) in state_dict', 'missing keys')
        misfits = misfits.replace('Unexpected key(s) in state_dict', 'unexpected keys')
        raise ValueError(
            f'the keys of {checkpoint} should be those of {type(network).__name__}, but got '
            f'{misfits}; check the architecture, num_classes and prefix'
        ) from error
    meta = content.get('meta') if isinstance(content, Mapping) else None
    of_data = meta.get('dataset_meta') if isinstance(meta, Mapping) else None
    return _words(of_data.get('classes')) if isinstance(of_data, Mapping) else None


def names_of(network: Any) -> tuple[str, ...] | None:
    """Return the class names that a network of transformers or timm was trained with, or None."""
    model = getattr(network, 'model', None)
    words = getattr(getattr(model, 'config', None), 'id2label', None)
    if isinstance(words, Mapping) and all(key in words for key in range(len(words))):
        names = _words([words[key] for key in range(len(words))])
        return None if names and all(name.startswith('LABEL_') for name in names) else names
    return _words((getattr(model, 'pretrained_cfg', None) or {}).get('label_names'))


def _words(names: Any) -> tuple[str, ...] | None:
    good = isinstance(names, list | tuple) and names and all(isinstance(n, str) for n in names)
    return tuple(names) if good else None


def weights_digest(network: nn.Module) -> str:
    """Hash the names and values of all parameters and buffers, with SHA-256."""
    return tensors_digest((*network.named_parameters(), *network.named_buffers()))


def tensors_digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Hash names and values, with SHA-256; the memory format does not matter."""
    digest = hashlib.sha256()
    for name, value in tensors:
        if not isinstance(value, Tensor):  # a module's extra state
            continue
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        flat = value.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def leave_teacher_out(distiller: Any, state: dict, prefix: str, local_metadata: dict) -> None:
    """State dict hook: drop a teacher that its own file restores; it can be most of it.

    Its digest stands in its place.
    """
    if distiller.teacher.checkpoint is not None:
        for key in [key for key in state if key.startswith(f'{prefix}teacher.')]:
            del state[key]
        digest = bytearray.fromhex(distiller.teacher_digest)
        state[f'{prefix}{DIGEST_KEY}'] = torch.frombuffer(digest, dtype=torch.uint8)


def keep_teacher(distiller: Any, state: dict, prefix: str, *_: object) -> None:
    """Load hook: let a checkpoint without the teacher load, if it was made with this teacher.

    Raises:
        ValueError: if it was made with another.
    """
    saved = state.pop(f'{prefix}{DIGEST_KEY}', None)
    start = f'{prefix}teacher.'
    brought = [(k.removeprefix(start), v) for k, v in state.items() if k.startswith(start)]
    mine = distiller.teacher_digest
    if saved is not None or (brought and mine):
        digest = bytes(saved.tolist()).hex() if saved is not None else tensors_digest(brought)
        if digest != (mine or tensors_digest(distiller.teacher.state_dict().items())):
            raise ValueError(
                f'the teacher should have the weights that the checkpoint was made with, of the '
                f'SHA-256 {digest[:16]}..., but got others from '
                f'{distiller.teacher.checkpoint or "the config"}; give the file that the run '
                'began with'
            )
    for key, value in distiller.teacher.state_dict(prefix=start).items():
        state.setdefault(key, value)
