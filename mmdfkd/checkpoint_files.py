"""The one way to read a checkpoint: from a file or a URL, safely, with errors that help."""

import hashlib
import io
import os
import pickle
import re
import sys
import uuid
import zipfile
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import mmengine.fileio
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import Tensor

from mmdfkd.outputs import remove_stale

#: Where training scripts put the weights, the likeliest first.
WEIGHT_KEYS = (
    'state_dict',
    'model_state_dict',
    'model',
    'net',
    'network',
    'weights',
    'params',
    'module',
    'state_dict_ema',
    'model_ema',
    'ema',
)


class UnsafeFileError(pickle.UnpicklingError, ValueError):
    """A file holds objects that could run code when they are unpickled."""


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
            return _parse(file, str(source), advice, map_location)
    try:
        raw = mmengine.fileio.get(str(source))
    except Exception as error:
        raise FileNotFoundError(
            f'a checkpoint should be at a path or URL, but reading {source} raised '
            f'{type(error).__name__}: {error}; give a path, file://, http:// or https://'
        ) from error
    _check_digest(hashlib.sha256(raw).hexdigest(), sha256, str(source), '')
    return _parse(io.BytesIO(raw), str(source), '', map_location)


def find_weights(content: Any, source: str | Path, key: str | None = None) -> dict[str, Tensor]:
    """Find the state dict in what :func:`read_checkpoint` returned.

    Args:
        content: a state dict, or a mapping that holds one.
        source: where it is from, for the errors.
        key: the entry that holds it; by default the only one that does, or the first of
            :data:`WEIGHT_KEYS`.

    Raises:
        ValueError: if there is none, or one should be chosen by ``key``.
    """
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            names = list(content)[:10] if isinstance(content, Mapping) else type(content).__name__
            raise ValueError(f'key should be an entry of {source}, but got {key!r} of {names}')
        content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(
            f'{source} should hold a state dict, but got a {type(content).__name__}; save '
            'model.state_dict() with torch.save'
        )
    if _is_state(content):
        return dict(content)
    full = content.get('state_dict')
    if isinstance(full, Mapping) and full:  # MMEngine's, whatever else stands beside it
        return find_weights(full, source)
    found = [name for name, value in content.items() if _is_state(value)]
    likely = [name for name in WEIGHT_KEYS if name in found]
    if likely or len(found) == 1:
        return dict(content[(likely or found)[0]])
    if found:
        raise ValueError(
            f'{source} should hold one state dict, but got them under {found}; choose one with key'
        )
    inner = [name for name in WEIGHT_KEYS if isinstance(content.get(name), Mapping)]
    if inner and content[inner[0]]:
        return find_weights(content[inner[0]], source)
    return dict(content)


def check_finite(weights: Mapping[str, Any], source: str | Path, advice: str) -> None:
    """Raise a ValueError naming ``weights`` that are NaN or infinite.

    Args:
        weights: a state dict; only its floating-point tensors are looked at.
        source: where they are from.
        advice: what to do.
    """
    bad = [
        name
        for name, value in weights.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not value.isfinite().all()
    ]
    if bad:
        more = f' and {len(bad) - 3} more' if len(bad) > 3 else ''
        raise ValueError(
            f'the weights of {source} should be finite, but {", ".join(bad[:3])}{more} hold NaN '
            f'or infinity; {advice}'
        )


def cached_place(url: str) -> Path:
    """Return where a download is kept: another server's file of the same name is another."""
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    name = Path(unquote(urlsplit(url).path)).name
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    return folder / key / (name if name not in ('', '..') else 'weights')


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
        return _downloaded(source, advice, sha256)
    if scheme == 'file':
        parts = urlsplit(source)
        host = '' if parts.netloc == 'localhost' else parts.netloc
        source = unquote(f'{host}{parts.path}')
    path = Path(os.path.expanduser(source))
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'no file is there'
        raise FileNotFoundError(f'the checkpoint should be at {path}, but {what}{advice}')
    if sha256 is not None:
        _check_digest(_digest(path), sha256, str(path), advice)
    return path, advice


def _downloaded(url: str, advice: str, sha256: str | None) -> tuple[Path, str]:
    scheme, rest = url.split('://', 1)
    url = f'{scheme.lower()}://{rest}'
    place = cached_place(url)
    sha256 = sha256 or stated_digest(place.name)
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(place.parent, re.escape(place.name) + r'\.[0-9a-f]{32}\.part(\..*)?')
        part = f'{place}.{uuid.uuid4().hex}.part'
        try:
            torch.hub.download_url_to_file(url, part, progress=sys.stderr.isatty())
        except (OSError, HTTPException, ValueError) as error:
            raise FileNotFoundError(
                f'{url} should be downloaded, but: {error}; bring the file to {place}, '
                f'or set checkpoint to where you have it{advice}'
            ) from error
        try:
            if sha256 is not None:
                _check_digest(_digest(Path(part)), sha256, url, advice)
            os.replace(part, place)
        finally:
            Path(part).unlink(missing_ok=True)
    elif sha256 is not None:
        _check_digest(_digest(place), sha256, str(place), f'; delete it to download {url}{advice}')
    return place, f'; delete {place} to download it again{advice}'


def stated_digest(name: str) -> str | None:
    """Return the first digits of the SHA-256 that the name of a published file states, or None.

    As ``resnet50-0676ba61.pth`` of torch.hub does (its ``check_hash``), and what OpenMMLab's
    ``publish_model.py`` has named. A date (``-20210528``) is none.
    """
    found = re.search(r'-([0-9a-f]{8,64})\.\w+$', name)
    if not found or re.fullmatch(r'(19|20)\d\d[01]\d[0-3]\d', found[1]):
        return None
    return found[1]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check_digest(found: str, sha256: str | None, name: str, advice: str) -> None:
    if sha256 is None or found.startswith(sha256.lower()):
        return
    if len(sha256) < len(found):
        raise ValueError(
            f'{name} should have a SHA-256 that begins with {sha256}, as its name says, but got '
            f'{found}; it is damaged, or another file: download it again, or where you trust it, '
            f'set sha256 to that{advice}'
        )
    raise ValueError(
        f'{name} should have the SHA-256 {sha256.lower()}, but got {found}; it is not the file '
        f'that the config means: do not use it, or set sha256{advice}'
    )


def _is_state(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )


def _parse(file: BinaryIO, name: str, advice: str, map_location: Any) -> Any:
    head = file.read(1024)
    file.seek(0)
    fault = _fault(head, file)
    if fault:
        raise ValueError(f'{name} should be a checkpoint, but it is {fault}{advice}')
    file.seek(0)
    try:
        if _is_safetensors(head):
            from safetensors.torch import load

            return load(file.read())
        return torch.load(file, map_location=map_location, weights_only=True)
    except ImportError as error:
        raise ValueError(
            f'{name} should be read with safetensors, which is not there; pip install safetensors'
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes torch raise nearly anything
        refused = re.search(
            r'GLOBAL ([\w.]+)|which is not|do not load this file|[Cc]an only', str(error)
        )
        if isinstance(error, pickle.UnpicklingError) and refused:
            what = f'a pickled {refused[1]}' if refused[1] else f'something else ({_first(error)})'
            raise UnsafeFileError(
                f'{name} should hold tensors and plain data only, but got {what}, which could run '
                'code and is not loaded; where you trust its source, load it there and save '
                f'model.state_dict() alone{advice}'
            ) from error
        raise ValueError(
            f'{name} should be a checkpoint, but it is damaged, or none of torch’s or safetensors’ '
            f'({type(error).__name__}: {_first(error)}); copy or download it again{advice}'
        ) from error


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1 if 'do not load' in str(error) else 0][:200] if lines else ''


def _is_safetensors(head: bytes) -> bool:
    return head[8:9] == b'{' and 2 <= int.from_bytes(head[:8], 'little') < 1 << 27


def _fault(head: bytes, file: BinaryIO) -> str:
    """Say what a file is that is plainly no checkpoint; empty if it may be one."""
    if not head:
        return 'empty; copy or download it again'
    if head.startswith(b'version https://git-lfs'):
        return 'a pointer of Git LFS; run git lfs pull where it is from'
    if head.lstrip()[:14].lower().startswith((b'<!doctype html', b'<html')):
        return 'a web page; download the file itself'
    if head.startswith(b'PK') and not zipfile.is_zipfile(file):
        return f'half a file of {file.seek(0, os.SEEK_END):,} bytes; copy or download it again'
    if head.startswith(b'\x89HDF'):
        return 'an HDF5 file, as Keras writes; give one of torch.save or of safetensors'
    if all(byte >= 32 or byte in b'\t\n\r' for byte in head):
        begin = head[:30].decode(errors='replace')
        return f'a text that begins with {begin!r}; give a file of torch.save'
    return ''
