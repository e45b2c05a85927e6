"""A uniform sample of rows that stream by."""

import torch
from torch import Tensor

from .draws import draws_at

_PLACE, _NUMBER = '_place', '_number'  # columns of a reservoir's own
_STREAM = 1  # of random numbers


class Reservoir:
    """At most ``capacity`` rows, each of those seen as likely as any other.

    Every row draws a number, and the rows of the lowest numbers stay (Vitter, Random
    Sampling with a Reservoir, 1985, section 1). A number depends on seed and place in the
    stream alone: the reservoirs of a stream's parts merge into that of the whole.

    Args:
        capacity: rows kept, over 0.
        seed: of the numbers.
    """

    def __init__(self, capacity: int, seed: int = 0) -> None:
        self.capacity = capacity
        self.seed = seed
        self._size = 0
        self._columns: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> Tensor:
        """Return a column of the rows kept, (at most capacity, ...), in the stream's order."""
        return self._columns[name][self._columns[_PLACE][: self._size].argsort()]

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __iadd__(self, other: 'Reservoir') -> 'Reservoir':
        self.merge(other.state_dict())
        return self

    def update(self, places: range, **columns: Tensor) -> None:
        """See N rows: columns (N, ...) by name, always the same ones; they are kept on the CPU.

        Args:
            places: of the rows in the whole stream.
            columns: what is kept of them.
        """
        columns[_NUMBER] = draws_at(places, self.seed, _STREAM)
        columns[_PLACE] = torch.tensor(places)
        self.merge(columns)

    def merge(self, state: dict[str, Tensor]) -> None:
        """Take in what another reservoir has, its ``state_dict()``."""
        for name in state.keys() - self._columns.keys():
            shape = (self.capacity, *state[name].shape[1:])
            # Pages are the system's until they are written.
            self._columns[name] = torch.empty(shape, dtype=state[name].dtype)
        slots, coming = self._choose(state[_NUMBER])
        for name, rows in state.items():
            self._columns[name][slots] = rows.detach()[coming.to(rows.device)].cpu()
        self._size = min(self._size + len(coming), self.capacity)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the columns, and two more of places and numbers, in the order of the stream."""
        return {name: self[name] for name in self._columns}

    def _choose(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the slots for new rows, free ones first, and which of the rows go there."""
        known = self._columns[_NUMBER][: self._size]
        stays = torch.zeros(self._size + len(numbers), dtype=torch.bool)
        stays[torch.cat([known, numbers]).argsort()[: self.capacity]] = True
        coming = stays[self._size :].nonzero().flatten()
        leaving = (~stays[: self._size]).nonzero().flatten()
        slots = torch.cat([torch.arange(self._size, self.capacity), leaving])
        return slots[: len(coming)], coming
