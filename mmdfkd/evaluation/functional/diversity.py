"""How far synthetic samples differ: from sums that stream, and from neighbours.

Distances of features are cosine, ``1 - u_i . u_j`` of unit features u, in [0, 2].
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

_CHUNK = 512  # rows of a distance matrix held at a time
_OTHERS = 4096  # images that they are compared with at a time
_SIDE = 32  # pixels; larger images are compared at this size


def intra_class_distances(counts: Tensor, sums: Tensor, squares: Tensor) -> Tensor:
    """Mean distance of two samples of each class, exactly, from sums.

    Over ordered pairs i != j of a class, ``sum u_i . u_j = |sum u|^2 - sum |u|^2``.

    Args:
        counts: (K,) samples of each class.
        sums: (K, D) sum of their unit features.
        squares: (K,) sum of the squared norms of these: the count, but for features of 0.

    Returns:
        (K,); NaN for a class of less than two samples.
    """
    pairs = counts * (counts - 1)
    return 1 - (sums.square().sum(1) - squares) / torch.where(pairs > 0, pairs, torch.nan)


def inter_class_distance(counts: Tensor, sums: Tensor) -> float | None:
    """Mean over pairs of classes of their samples' mean distance; None of a single class.

    Arguments as in :func:`intra_class_distances`.
    """
    means = sums[counts > 0] / counts[counts > 0, None]
    num = len(means)
    if num < 2:
        return None
    similarities = means.sum(0).square().sum() - means.square().sum()
    return float(1 - similarities / (num * (num - 1)))


def vendi_score(second_moment: Tensor) -> float:
    """Effective number of different samples, from 1 to their number.

    Friedman & Dieng, TMLR 2023, definition 3.1, with the cosine kernel: exp of the entropy
    of the eigenvalues of ``U U^T / n``. They are, but for zeros, those of ``U^T U / n``.

    Args:
        second_moment: ``U^T U`` or ``U U^T`` of unit features U (n, D), in any scale.
    """
    eigenvalues = torch.linalg.eigvalsh(second_moment).clamp_min(0)
    if not eigenvalues.sum():
        return 1.0  # all features are 0
    shares = eigenvalues / eigenvalues.sum()
    return float(torch.xlogy(shares, shares).sum().neg().exp())


def vendi_score_of(units: Tensor) -> float:
    """:func:`vendi_score` of unit features (n, D) themselves, by the smaller kernel."""
    wide = units.size(0) < units.size(1)
    return vendi_score(units @ units.T if wide else units.T @ units)


def nearest_of_class(units: Tensor, labels: Tensor) -> Tensor:
    """Distance of unit features (n, D) to the nearest other of the same label (n,).

    Returns:
        (n,); infinite where a label has no other sample.
    """
    nearest = torch.full((len(units),), torch.inf, dtype=units.dtype)
    for label in labels.unique():
        members = (labels == label).nonzero()[:, 0]
        own = units[members]
        for rows, itself in _chunks(torch.arange(len(own)), len(own)):
            distances = (1 - own[rows] @ own.T).masked_fill(itself, torch.inf)
            nearest[members[rows]] = distances.min(1).values
    return nearest


def comparable_pixels(images: Tensor) -> Tensor:
    """Pixels (N, C, H, W) in [0, 255] as (N, P) uint8; sides over 32 are averaged down to it."""
    height, width = (min(side, _SIDE) for side in images.shape[2:])
    if images.shape[2:] != (height, width):
        images = F.adaptive_avg_pool2d(images, (height, width))
    return images.round().to(torch.uint8).flatten(1)


def nearest_pixel_distances(pixels: Tensor, rows: Tensor) -> Tensor:
    """Root mean square difference of images to the nearest other one.

    Args:
        pixels: (n, P) uint8, of all images.
        rows: (m,), which of them to compare with all the others.

    Returns:
        (m,); infinite where there is no other.
    """
    found = []
    for own, itself in _chunks(rows, len(pixels)):
        nearest = torch.full((len(own),), torch.inf)
        for part, skipped in zip(pixels.split(_OTHERS), itself.split(_OTHERS, 1), strict=True):
            # By a matrix product, which is off by up to 0.1 of a pixel value where two are alike.
            mine, others = pixels[own].float() - 127.5, part.float() - 127.5
            sums = mine.square().sum(1)[:, None] + others.square().sum(1) - 2 * mine @ others.T
            nearest = nearest.minimum(sums.masked_fill(skipped, torch.inf).min(1).values)
        found.append(nearest)
    return (torch.cat(found) / pixels.size(1)).clamp_min(0).sqrt()


def duplicate_share(pixels: Tensor, distance: float, most: int = 5000, seed: int = 0) -> float:
    """Share of images that have another one among all within a root mean square difference.

    Args:
        pixels: (n, P) uint8.
        distance: in pixel values.
        most: images that are looked at, drawn at random; each is compared with all.
        seed: of the draw.

    Returns:
        In [0, 1]; of a draw its standard error is at most ``0.5 / sqrt(most)``.
    """
    draws = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(pixels), generator=draws)[:most]
    near = nearest_pixel_distances(pixels, rows) < distance
    return float(near.cpu().double().mean())


def _chunks(rows: Tensor, num: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield ``rows`` of an (n, n) matrix, some (m,) at a time, and its diagonal's mask (m, n)."""
    every = torch.arange(num)
    for part in rows.split(_CHUNK):
        yield part, part[:, None] == every
