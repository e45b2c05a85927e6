"""What a file of weights is made of, and the one safe way to read it."""

import os
import pickle
import re
import zipfile
from typing import Any, BinaryIO

import torch


class UnsafeFileError(pickle.UnpicklingError, ValueError):
    """A file holds objects that could run code when they are unpickled."""


def parse(file: BinaryIO, name: str, advice: str, map_location: Any) -> Any:
    """Read a pickle of torch's with its safe loader, or safetensors.

    Args:
        file: opened, at its beginning.
        name: for the errors.
        advice: likewise.
        map_location: of ``torch.load``.

    Raises:
        UnsafeFileError: if it holds more than tensors and plain data.
        ValueError: if it is no checkpoint.
    """
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
        if 'TorchScript' in str(error):
            raise ValueError(
                f'{name} should be a checkpoint, but is a TorchScript archive; save the weights '
                f'alone: torch.save(torch.jit.load(FILE).state_dict(), OUT){advice}'
            ) from error
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
