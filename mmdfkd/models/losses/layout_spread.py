"""Metric-learning loss of DE-DFKD on maps: keeps a class from having one layout."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_positive, check_range
from mmdfkd.models.utils.feature_maps import check_maps
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS

from .metric_functions import cosine_distances, masked_mean, pair_masks


def layout_spread_loss(maps: Tensor, labels: Tensor, spread: float = 0.9, size: int = 8) -> Tensor:
    """``mean [m - d(i, j)]_+`` over same-class pairs, d the cosine distance of layouts.

    A layout is a map pooled to ``size`` pixels a side and flattened, less the batch's mean.
    On pooled features a generator gets any spread from one picture a class with small
    changes; maps of an early stage tell where things are. Two real CIFAR-10 training images
    of one class have a mean distance of 0.96 (WRN-16-2's first stage) and 0.93 (its second),
    images of a generator with spread pixels and no such term 0.76 and 0.65. The spread term of M4
    (:func:`~.metric_functions.bounded_two_margin`) on maps. Ours.

    Args:
        maps: what a layer of the teacher gives, (N, C, H, W).
        labels: the asked classes, (N,) int64.
        spread: distance m that is enough, in (0, 2].
        size: side of the pooled map in pixels, at most the map's shorter side.

    Returns:
        A scalar, at least 0; a zero with a graph where no class has two images.

    Raises:
        ValueError: if ``maps`` have not four dimensions, as tokens have not.
    """
    check_maps(maps)
    side = min(size, *maps.shape[2:])
    layouts = F.adaptive_avg_pool2d(full_precision(maps), side).flatten(1)
    distances = cosine_distances(layouts - layouts.mean(0))
    same, _ = pair_masks(labels, torch.ones_like(labels, dtype=torch.bool))
    return masked_mean((spread - distances).relu(), same)


@MODELS.register_module()
class LayoutSpreadLoss(nn.Module):
    """Mean of :func:`layout_spread_loss` over layers, with a weight.

    Args:
        loss_weight: factor of the loss.
        spread: distance that is enough, in (0, 2].
        size: side of the pooled maps in pixels.

    Raises:
        ValueError: if ``spread`` or ``size`` is out of range.
    """

    def __init__(self, loss_weight: float = 1.0, spread: float = 0.9, size: int = 8) -> None:
        super().__init__()
        check_range('(0, 2]', spread=spread)
        check_positive(size=size)
        self.loss_weight = loss_weight
        self.spread = spread
        self.size = size

    def forward(self, maps: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Return the weighted loss of the teacher's maps, (N, C, H, W) each, and labels (N,)."""
        losses = [layout_spread_loss(each, labels, self.spread, self.size) for each in maps]
        return self.loss_weight * torch.stack(losses).mean()
