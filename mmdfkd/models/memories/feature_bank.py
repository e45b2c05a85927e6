"""A ring buffer of features on the device."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdfkd.checks import check_positive
from mmdfkd.models.utils.counter import Counter
from mmdfkd.models.utils.gather import gather


class FeatureBank(BaseModule):
    """Keeps the newest ``capacity`` rows of features, of all processes, in a buffer.

    Args:
        capacity: number of rows kept.
        dim: size of a row.

    Raises:
        ValueError: if ``capacity`` is not positive.
    """

    features: Tensor

    def __init__(self, capacity: int, dim: int) -> None:
        super().__init__()
        check_positive(capacity=capacity)
        self.capacity = capacity
        self.num_added = Counter()  # since the run began
        self.register_buffer('features', torch.zeros(capacity, dim))

    def __len__(self) -> int:
        return min(int(self.num_added), self.capacity)

    @torch.no_grad()
    def add(self, rows: Tensor) -> None:
        """Store all processes' rows (N, dim); the oldest give way."""
        added = gather(rows)[-self.capacity :]
        self.num_added.add(len(added))
        ends = torch.arange(-len(added), 0, device=rows.device) + int(self.num_added)
        self.features[ends % self.capacity] = added.to(self.features)

    def draw(self, num: int) -> Tensor:
        """Draw ``num`` rows without replacement, or all where there are fewer: (<= num, dim)."""
        return self.features[torch.randperm(len(self), device=self.features.device)[:num]]
