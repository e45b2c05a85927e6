"""Inception score, from sums that stream."""

from typing import Any

import torch
from torch import Tensor

from mmdfkd.checks import check_positive

from .draws import draws_at

_STREAM = 2  # any but a reservoir's


def splits_at(places: range, splits: int) -> Tensor:
    """Draw the split (N,) of each place, int64: classes in turn would each have their own."""
    first, end = places.start // splits, -(-places.stop // splits)
    draws = draws_at(range(first * splits, end * splits), 0, _STREAM).view(-1, splits)
    return draws.argsort(1).argsort(1).flatten()[torch.tensor(places) - first * splits]


class InceptionScore:
    """Running sums of class probabilities, in splits.

    Salimans et al., Improved Techniques for Training GANs (2016), section 4:
    exp(E_x KL(p(y|x) || p(y))), the mean over splits of the samples.

    The libraries shuffle the logits of all samples and cut them into splits. Here the first
    samples of the stream, as many as there are splits, go to one each by chance, and so on: none
    need be kept.

    Args:
        splits: number of splits.
    """

    def __init__(self, splits: int = 10) -> None:
        check_positive(splits=splits)
        self.counts = torch.zeros(splits, dtype=torch.float64)
        self.negative_entropies = torch.zeros(splits, dtype=torch.float64)
        self.probabilities: Tensor | None = None

    def update(self, places: range, logits: Tensor) -> None:
        """See the logits (N, K) of N samples at their places in the stream."""
        log_probabilities = logits.detach().cpu().double().log_softmax(1)
        probabilities = log_probabilities.exp()
        if self.probabilities is None:
            self.probabilities = probabilities.new_zeros(len(self.counts), logits.size(1))
        split = splits_at(places, len(self.counts))
        self.counts.index_add_(0, split, torch.ones(len(split), dtype=torch.float64))
        # The limit of p log p is 0.
        summands = (probabilities * log_probabilities).nan_to_num(nan=0.0).sum(1)
        self.negative_entropies.index_add_(0, split, summands)
        self.probabilities.index_add_(0, split, probabilities)

    def merge(self, state: dict[str, Any]) -> None:
        """Take in what another process has summed, its ``state_dict()``."""
        if self.probabilities is None:
            self.probabilities = torch.zeros_like(state['probabilities'])
        self.counts += state['counts']
        self.negative_entropies += state['negative_entropies']
        self.probabilities += state['probabilities']

    def state_dict(self) -> dict[str, Any]:
        """Return plain tensors."""
        names = ('counts', 'negative_entropies', 'probabilities')
        return {name: getattr(self, name) for name in names}

    def compute(self) -> float:
        """Return the mean score of the splits that have samples, from 1 to K."""
        assert self.probabilities is not None  # a sample was seen
        used = self.counts > 0
        counts = self.counts[used]
        marginals = self.probabilities[used] / counts[:, None]
        entropies = torch.special.entr(marginals).sum(1)
        return float((self.negative_entropies[used] / counts + entropies).exp().mean())
