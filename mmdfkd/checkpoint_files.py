"""The one way to read a checkpoint: from a file or a URL, safely, with errors that help."""

import hashlib
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mmengine.fileio
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint

from .checkpoint_format import parse
from .downloads import check_digest, digest_of, downloaded


def read_checkpoint(
    source: str | Path,
    how_to_get: str = '',
    sha256: str | None = None,
    map_location: Any = 'cpu',
) -> Any:
    """Read a file or URL: a pickle of torch's with its safe loader, or safetensors.

    Args:
        source: a path (``~`` is a home), a ``file://``, ``http://`` or ``https://`` URL, one
            of MMEngine's names of models (``torchvision://resnet18``), or a URI of a storage
            that MMEngine knows. Downloads are kept by URL below torch.hub's folder. Those
            named ``NAME-<hex>.pth``, as torch.hub and OpenMMLab publish, should have a
            SHA-256 that begins with these digits, unless ``sha256`` says it.
        how_to_get: added to the error if the file is not there.
        sha256: the 64 hexadecimal digits that the file should have, or None.
        map_location: of ``torch.load``.

    Raises:
        FileNotFoundError: if the file is not there and cannot be downloaded.
        UnsafeFileError: if it holds more than tensors and plain data.
        ValueError: if it is no checkpoint, or has another digest.
    """
    scheme = _scheme(str(source))
    if scheme in ('', 'file', 'http', 'https') or scheme in _ZOO:
        place, advice = _local_file(str(source), scheme, how_to_get, sha256)
        with place.open('rb') as file:
            return parse(file, str(source), advice, map_location)
    try:
        raw = mmengine.fileio.get(str(source))
    except Exception as error:
        raise FileNotFoundError(
            f'a checkpoint should be at a path or URL, but reading {source} raised '
            f'{type(error).__name__}: {error}; give a path, file://, http:// or https://'
        ) from error
    check_digest(hashlib.sha256(raw).hexdigest(), sha256, str(source), '')
    return parse(io.BytesIO(raw), str(source), '', map_location)


def load_from_mmdfkd(filename: str, map_location: Any = None) -> Any:
    """Read a checkpoint for MMEngine, without what MMEngine would run.

    ``Runner.resume`` executes ``meta['config']`` as Python; MMEngine 0.10 itself writes
    ``meta['cfg']``, which nothing runs.
    """
    content = read_checkpoint(filename, map_location=map_location)
    if not isinstance(content, dict):
        raise ValueError(
            f'{filename} should hold a checkpoint or a state dict, but got a '
            f'{type(content).__name__}'
        )
    meta = content.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    if _scheme(filename) == 'mmcls':
        content = mmengine_checkpoint._process_mmcls_checkpoint(content)
    return content


def make_mmengine_safe() -> None:
    """Have MMEngine read all checkpoints with :func:`read_checkpoint`.

    Its loader of URLs unpickles without care. It is reached from ``load_from`` and
    ``--resume``, a ``last_checkpoint`` that holds a URL, ``init_cfg`` and mmpretrain's
    ``pretrained``.
    """
    for prefix in list(CheckpointLoader._schemes):
        CheckpointLoader.register_scheme(prefix, load_from_mmdfkd, force=True)


def _of_torchvision(name: str) -> str:
    return mmengine_checkpoint.get_torchvision_models()[name]


def _of_openmmlab(name: str) -> str:
    name = mmengine_checkpoint.get_deprecated_model_names().get(name, name)
    return mmengine_checkpoint.get_external_models()[name]


def _of_mmcls(name: str) -> str:
    return mmengine_checkpoint.get_mmcls_models()[name]


_ZOO: dict[str, Callable[[str], str]] = {
    'torchvision': _of_torchvision,
    'modelzoo': _of_torchvision,
    'open-mmlab': _of_openmmlab,
    'openmmlab': _of_openmmlab,
    'mmcls': _of_mmcls,
}


def _scheme(source: str) -> str:
    found = re.match(r'([A-Za-z][\w+.-]*)://', source)
    return found[1].lower() if found else ''


def _local_file(source: str, scheme: str, how_to_get: str, sha256: str | None) -> tuple[Path, str]:
    """Return the path of a file, downloaded if need be, and what to do where it is damaged."""
    if sha256 is not None and not re.fullmatch(r'[0-9a-fA-F]{64}', str(sha256)):
        raise ValueError(f'sha256 should be 64 hexadecimal digits, but got {sha256!r}')
    advice = f'; {how_to_get}' if how_to_get else ''
    if scheme in _ZOO:
        name = source.split('://', 1)[1]
        try:
            source = _ZOO[scheme](name)
        except KeyError as error:
            raise FileNotFoundError(
                f'{scheme}:// should name a model that MMEngine knows, but got {name!r}{advice}'
            ) from error
        scheme = _scheme(source)
    if scheme in ('http', 'https'):
        return downloaded(source, advice, sha256)
    if scheme == 'file':
        parts = urlsplit(source)
        host = '' if parts.netloc == 'localhost' else parts.netloc
        source = unquote(f'{host}{parts.path}')
    path = Path(os.path.expanduser(source))
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'no file is there'
        raise FileNotFoundError(f'the checkpoint should be at {path}, but {what}{advice}')
    if sha256 is not None:
        check_digest(digest_of(path), sha256, str(path), advice)
    return path, advice
