"""Tells images apart by the teacher's features of them."""

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F


class InstanceDiscriminator(BaseModule):
    """Two linear layers to a unit embedding: CMI's h (Fang et al., IJCAI 2021, equation 4).

    Args:
        in_dim: size of the features, and of the hidden layer.
        out_dim: size of the embedding.
    """

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(in_dim, in_dim)
        self.embedding = nn.Linear(in_dim, out_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Embed features (N, in_dim) on the unit sphere: (N, out_dim)."""
        return F.normalize(self.embedding(self.hidden(features).relu()), dim=1)
