"""Metric-learning objectives M1 to M5: pure functions of teacher features.

Each takes features (N, D), labels (N,) and ``kept`` (N,) bool, the samples that
passed the gate; distances are cosine, ``d(i, j) = 1 - cos(f_i, f_j)`` in [0, 2].
Where no pair or triplet exists the result is a zero that keeps the graph. None of
them copies to the host, and none forms the (N, N, N) tensor of triplets.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmdfkd.models.utils.precision import full_precision

_FAR = 1e4  # over any margin + distance
_NEAREST = 1e-2  # from here down M2 goes on along its tangent


def cosine_distances(features: Tensor) -> Tensor:
    """Pairwise ``1 - cos`` of features (N, D): (N, N) in [0, 2]."""
    with torch.autocast(features.device.type, enabled=False):  # margins want full precision
        unit = F.normalize(full_precision(features), dim=1)
        return 1 - unit @ unit.T


def euclidean_distances(points: Tensor) -> Tensor:
    """Pairwise distances of points (N, D): (N, N), exact where they are small, too.

    ``(2 - 2 cos)^(1/2)`` would lose what two nearly equal unit vectors differ by.
    """
    with torch.autocast(points.device.type, enabled=False):
        points = full_precision(points)
        return torch.cdist(points, points, compute_mode='donot_use_mm_for_euclid_dist')


def pair_masks(labels: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Masks (N, N) of pairs of kept samples: (same class and i != j, other class)."""
    both_kept = kept[:, None] & kept[None, :]
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & both_kept & ~itself, ~same & both_kept


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` where ``mask``; a zero with a graph where nothing is."""
    return torch.where(mask, values, 0).sum() / mask.sum().clamp_min(1)


def mean_hinge_over_triplets(
    low: Tensor, high: Tensor, low_mask: Tensor, high_mask: Tensor
) -> Tensor:
    """Mean over anchors a and pairs (i, j) of ``[low(a, i) - high(a, j)]_+``.

    Sorting each row of ``high`` once gives the sum over j of a hinge from a prefix
    sum: O(N^2 log N) instead of N^3, with the exact value and gradient.

    Args:
        low: (N, N), the margin included.
        high: (N, N).
        low_mask: (N, N) bool, the i that count for an anchor.
        high_mask: (N, N) bool, the j that count for an anchor.

    Returns:
        A scalar, at least 0; a zero with a graph if there is no triplet.
    """
    ordered, _ = torch.where(high_mask, high, _FAR).sort(dim=1)
    prefix = F.pad(torch.where(ordered < _FAR / 2, ordered, 0).cumsum(1), (1, 0))
    below = torch.searchsorted(ordered.detach().contiguous(), low.detach().contiguous())
    hinges = below * low - prefix.gather(1, below)
    triplets = (low_mask.sum(1) * high_mask.sum(1)).sum()
    return torch.where(low_mask, hinges, 0).sum() / triplets.clamp_min(1)


def intra_class_repulsion(features: Tensor, labels: Tensor, kept: Tensor) -> Tensor:
    """M1: mean over classes of the mean cosine similarity inside the class, in [-1, 1].

    The repulsion of CSP-DFKD (2026).
    """
    similarities = 1 - cosine_distances(features)
    positive, _ = pair_masks(labels, kept)
    partners = positive.sum(1)
    class_size = partners + 1
    share = positive / (partners * class_size).clamp_min(1)[:, None]
    classes = ((partners > 0) / class_size).sum()
    return (similarities * share).sum() / classes.clamp_min(1)


def mode_seeking(features: Tensor, labels: Tensor, kept: Tensor, latents: Tensor) -> Tensor:
    """M2: mean over same-class pairs of ``||z_i - z_j|| / ||f_i - f_j||``, over 0.

    The conditional form of MSGAN (Mao et al., CVPR 2019), equation 2, upside down,
    on unit features. Latents (N, nz) are scaled by sqrt(2 nz), the usual distance
    of two draws from N(0, I), so that a weight serves every nz. Below a feature distance of
    0.01 the inverse is its tangent there: bounded, and with a gradient for a collapsed class.
    """
    positive, _ = pair_masks(labels, kept)
    unit = F.normalize(full_precision(features), dim=1)
    latent_distances = euclidean_distances(latents) / (2 * latents.size(1)) ** 0.5
    feature_distances = euclidean_distances(unit)
    near = (feature_distances - _NEAREST).clamp_max(0)
    inverse = feature_distances.clamp_min(_NEAREST).reciprocal() - near / _NEAREST**2
    return masked_mean(latent_distances * inverse, positive)


def reversed_triplet(features: Tensor, labels: Tensor, kept: Tensor, margin: float = 0.2) -> Tensor:
    """M3: mean over triplets of ``[margin + d(a, n) - d(a, p)]_+``, at least 0.

    FaceNet's triplet loss (Schroff et al., CVPR 2015) with the roles exchanged.
    """
    distances = cosine_distances(features)
    positive, negative = pair_masks(labels, kept)
    return mean_hinge_over_triplets(margin + distances, distances, negative, positive)


def bounded_two_margin(
    features: Tensor,
    labels: Tensor,
    kept: Tensor,
    spread: float = 0.5,
    separation: float = 0.2,
) -> Tensor:
    """M4: ``mean [m1 - d(a, p)]_+ + mean [m2 + d(a, p) - d(a, n)]_+``, at least 0.

    A class is spread out to the distance ``spread`` (m1), and stays nearer to
    itself than to other classes by ``separation`` (m2). Ours.
    """
    distances = cosine_distances(features)
    positive, negative = pair_masks(labels, kept)
    spread_loss = masked_mean((spread - distances).relu(), positive)
    separation_loss = mean_hinge_over_triplets(
        separation + distances, distances, positive, negative
    )
    return spread_loss + separation_loss


def supervised_contrastive(
    features: Tensor, labels: Tensor, kept: Tensor, temperature: float = 0.1
) -> Tensor:
    """M5: SupCon (Khosla et al., NeurIPS 2020), equation 2, L_out, as a mean over anchors.

    It pulls a class together: the control arm of an ablation only.
    """
    similarities = (1 - cosine_distances(features)) / temperature
    positive, negative = pair_masks(labels, kept)
    others = torch.where(positive | negative, similarities, -_FAR)
    log_likelihoods = similarities - others.logsumexp(1, keepdim=True)
    anchors = positive.any(1)
    per_anchor = torch.where(positive, log_likelihoods, 0).sum(1) / positive.sum(1).clamp_min(1)
    return -masked_mean(per_anchor, anchors)
