"""A count that survives a resume, and that the host knows without asking the device."""

from typing import Any

import torch
from torch import Tensor, nn


class Counter(nn.Module):
    """Counts up from 0; a buffer, so that checkpoints, averages and copies of a model have it.

    Examples:
        >>> counter = Counter()
        >>> counter.add(3)
        >>> int(counter)
        3
    """

    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._host_count = 0  # reading the buffer would wait for the device
        self.register_buffer('count', torch.zeros((), dtype=torch.int64))

    def add(self, number: int) -> None:
        """Count ``number`` more."""
        self._host_count += number
        self.count.fill_(self._host_count)

    def __int__(self) -> int:
        return self._host_count

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._host_count = int(self.count)
