"""Precision, recall, density and coverage: figures of nearest neighbours."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mmdfkd.models.utils.precision import double_precision

#: The k-th neighbour that gives a ball its radius: as Kynkäänniemi et al. and Naeem et al.
PRECISION_RECALL_NEIGHBOURS = 3
DENSITY_COVERAGE_NEIGHBOURS = 5

_CHUNK = 1000  # rows of distances in memory at a time


def _distances(rows: Tensor, columns: Tensor) -> Iterator[Tensor]:
    return (torch.cdist(chunk, columns) for chunk in rows.split(_CHUNK))


def check_numbers(real: int, fake: int) -> None:
    """Raise a ValueError if there are too few real or synthetic images to have neighbours."""
    of_real = ('real', real, DENSITY_COVERAGE_NEIGHBOURS)  # precision takes fewer
    for kind, number, neighbours in (of_real, ('synthetic', fake, PRECISION_RECALL_NEIGHBOURS)):
        if number <= neighbours:
            raise ValueError(
                f'precision, recall, density and coverage should have over {neighbours} {kind} '
                f'images, but got {number}; give more, or leave them out of figures'
            )


def _radii(features: Tensor, *neighbours: int) -> list[Tensor]:
    # A sample is its own nearest: the k-th neighbour is the (k + 1)-th smallest distance.
    nearest = torch.cat(
        [
            distances.topk(max(neighbours) + 1, largest=False).values
            for distances in _distances(features, features)
        ]
    )
    return [nearest[:, k] for k in neighbours]


def neighbour_figures(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Compute precision, recall, density and coverage.

    Precision and recall: Kynkäänniemi et al., Improved Precision and Recall Metric for
    Assessing Generative Models (2019), equations 1 and 2, k = 3. Density and coverage:
    Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models (2020),
    equations 3 and 4, k = 5; their balls are open, as in the authors' prdc.

    torch-fidelity has the first two, in passes over the distances of their own; torchmetrics
    has none. One pass gives all four.

    Args:
        real: features (N, D), over 5.
        fake: features (M, D), over 3.

    Returns:
        ``precision``, ``recall``, ``coverage`` in [0, 1]; ``density``, about 1 of one distribution.

    Raises:
        ValueError: if there are too few samples to have such neighbours.
    """
    check_numbers(len(real), len(fake))
    # Near duplicates are lost in the rounding of float32 distances.
    real, fake = double_precision(real), double_precision(fake)
    ball, wide_ball = _radii(real, PRECISION_RECALL_NEIGHBOURS, DENSITY_COVERAGE_NEIGHBOURS)
    (fake_ball,) = _radii(fake, PRECISION_RECALL_NEIGHBOURS)
    precise, density = 0.0, 0.0
    recalled = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    covered = torch.zeros_like(recalled)
    for distances, radii in zip(_distances(fake, real), fake_ball.split(_CHUNK), strict=True):
        precise += float((distances <= ball).any(1).sum())
        recalled |= (distances <= radii[:, None]).any(0)
        within = distances < wide_ball
        density += float(within.sum())
        covered |= within.any(0)
    return {
        'precision': precise / len(fake),
        'recall': float(recalled.double().mean()),
        'density': density / (DENSITY_COVERAGE_NEIGHBOURS * len(fake)),
        'coverage': float(covered.double().mean()),
    }
