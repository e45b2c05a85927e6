"""Contrastive loss of CMI: new images should differ from each other and from all before."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_range
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS


def contrastive_inversion_loss(
    local: Tensor, global_: Tensor, num_new: int, temperature: float = 0.1
) -> Tensor:
    """Cross-entropy of finding each image by a crop of it among all images, at least 0.

    CMI (Fang et al., IJCAI 2021), equations 5 and 6. As in its public code, no gradient flows
    to the whole images' embeddings, and the mean over the new images and the mean over the
    remembered ones are added: one mean would weigh the few new ones next to nothing.

    Args:
        local: unit embeddings of a crop of each image, (N + M, D): N new, M remembered.
        global_: unit embeddings of the whole images, (N + M, D).
        num_new: N, over 0.
        temperature: divides the cosine similarities, over 0.
    """
    with torch.autocast(local.device.type, enabled=False):
        logits = full_precision(local) @ full_precision(global_.detach()).t() / temperature
    itself = torch.arange(len(logits), device=logits.device)
    losses = F.cross_entropy(logits, itself, reduction='none')
    new, remembered = losses[:num_new], losses[num_new:]
    return new.mean() + remembered.sum() / max(len(remembered), 1)


@MODELS.register_module()
class ContrastiveInversionLoss(nn.Module):
    """:func:`contrastive_inversion_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
        temperature: divides the cosine similarities, in [0.001, 1000].

    Raises:
        ValueError: if ``temperature`` is out of range.
    """

    def __init__(self, loss_weight: float = 0.8, temperature: float = 0.1) -> None:
        super().__init__()
        check_range('[0.001, 1000]', temperature=temperature)
        self.loss_weight = loss_weight
        self.temperature = temperature

    def forward(self, local: Tensor, global_: Tensor, num_new: int) -> Tensor:
        """Return the weighted loss of embeddings (N + M, D) of crops and whole images."""
        return self.loss_weight * contrastive_inversion_loss(
            local, global_, num_new, self.temperature
        )
