"""Downloads of weights, kept by their URLs, and what files should be by their digests."""

import hashlib
import os
import re
import sys
import uuid
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote, urlsplit

import torch

from mmdfkd.outputs import remove_stale


def cached_place(url: str) -> Path:
    """Return where a download is kept: another server's file of the same name is another."""
    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    name = Path(unquote(urlsplit(url).path)).name
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    return folder / key / (name if name not in ('', '..') else 'weights')


def downloaded(url: str, advice: str, sha256: str | None) -> tuple[Path, str]:
    """Return where the file of a URL is kept, and what to do where it is damaged.

    Args:
        url: of http or https.
        advice: for the errors.
        sha256: the digest that it should have, or None.

    Raises:
        FileNotFoundError: if it cannot be downloaded.
        ValueError: if it has another digest.
    """
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
                check_digest(digest_of(Path(part)), sha256, url, advice)
            os.replace(part, place)
        finally:
            Path(part).unlink(missing_ok=True)
    elif sha256 is not None:
        check_digest(digest_of(place), sha256, str(place), f'; delete it to download {url}{advice}')
    return place, f'; delete {place} to download it again{advice}'


def stated_digest(name: str) -> str | None:
    """Return the first digits of the SHA-256 that the name of a published file states, or None.

    As ``resnet50-0676ba61.pth`` of torch.hub does (its ``check_hash``), and what OpenMMLab's
    ``publish_model.py`` has named. A date, a time or a number (``-20210528``) is none: digits
    alone are rarely a digest.
    """
    found = re.search(r'-([0-9a-f]{8,64})\.\w+$', name)
    return found[1] if found and not found[1].isdecimal() else None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_digest(found: str, sha256: str | None, name: str, advice: str) -> None:
    """Raise a ValueError if a digest is not the wanted one, or does not begin with it."""
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
