"""A uniform sample of rows that stream by."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


class Reservoir:
    """At most ``capacity`` rows, each of those seen as likely as any other.

    Every row draws a number, and the rows of the lowest numbers stay (Vitter, Random
    Sampling with a Reservoir, 1985, section 1). The draws are of the whole stream's rows,
    which several processes see in turn (row ``i`` is that of process ``i % world_size``):
    their reservoirs merge into the one that a single process has.

    Args:
        capacity: rows kept, over 0.
        seed: of the draws.
        rank: this process.
        world_size: number of processes.
    """

    def __init__(self, capacity: int, seed: int = 0, rank: int = 0, world_size: int = 1) -> None:
        self.capacity = capacity
        self.rank = rank
        self.world_size = world_size
        self.seen = 0
        self._draws = np.random.default_rng(seed)
        self._order = torch.empty(0, dtype=torch.int64)
        self._numbers = torch.empty(0, dtype=torch.float64)
        self._rows: Tensor | None = None

    def update(self, rows: Tensor) -> None:
        """See rows (N, D); they are kept on the CPU as float32."""
        order = torch.arange(self.seen, self.seen + len(rows)) * self.world_size + self.rank
        numbers = torch.from_numpy(self._draws.random(len(rows) * self.world_size))
        self.seen += len(rows)
        self._keep(rows.detach(), order, numbers[self.rank :: self.world_size])

    def merge(self, state: dict[str, Any]) -> None:
        """Take in what another process's reservoir has, its ``state_dict()``."""
        self.seen += state['seen']
        self._keep(state['rows'], state['order'], state['numbers'])

    @property
    def rows(self) -> Tensor:
        """The rows kept, (at most capacity, D) float32, in the order of the stream."""
        return self.state_dict()['rows']

    def state_dict(self) -> dict[str, Any]:
        """Return plain tensors and numbers, in the order of the stream."""
        assert self._rows is not None  # a row was seen
        order = self._order.argsort()
        return {
            'seen': self.seen,
            'rows': self._rows[order],
            'order': self._order[order],
            'numbers': self._numbers[order],
        }

    def _keep(self, rows: Tensor, order: Tensor, numbers: Tensor) -> None:
        if self._rows is None:  # pages are the system's until they are written
            self._rows = torch.empty(self.capacity, rows.size(1))
        room = self.capacity - len(self._order)
        end = len(self._order) + len(rows[:room])
        self._rows[len(self._order) : end] = rows[:room].cpu()
        self._order = torch.cat([self._order, order[:room]])
        self._numbers = torch.cat([self._numbers, numbers[:room]])
        self._replace(rows[room:], order[room:], numbers[room:])

    def _replace(self, rows: Tensor, order: Tensor, numbers: Tensor) -> None:
        if not len(rows):
            return
        assert self._rows is not None
        rank = torch.cat([self._numbers, numbers]).argsort()
        stays = torch.zeros(len(rank), dtype=torch.bool)
        stays[rank[: self.capacity]] = True
        leaving = (~stays[: self.capacity]).nonzero().flatten()
        coming = stays[self.capacity :].nonzero().flatten()
        self._rows[leaving] = rows[coming.to(rows.device)].cpu().float()
        self._order[leaving] = order[coming]
        self._numbers[leaving] = numbers[coming]
