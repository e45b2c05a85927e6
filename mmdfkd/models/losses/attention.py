"""Attention transfer: the student looks where the teacher looks."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.models.utils.feature_maps import check_maps
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS


def attention(maps: Tensor) -> Tensor:
    """Mean square over the channels of ``maps`` (N, C, H, W), of unit length, (N, H * W).

    Zagoruyko and Komodakis, ICLR 2017, section 3.1.

    Raises:
        ValueError: if ``maps`` have not four dimensions, as tokens have not.
    """
    check_maps(maps)
    return F.normalize(full_precision(maps).pow(2).mean(1).flatten(1))


def attention_transfer_loss(
    student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]
) -> Tensor:
    """Sum over layers of the mean squared difference of the attention, a scalar, at least 0.

    Zagoruyko and Komodakis, ICLR 2017, equation 2, in the form of ZSKT's code (Micaelli and
    Storkey, NeurIPS 2019, equation 1): a mean over the places, and no root.

    Args:
        student_maps: one (N, C, H, W) a layer.
        teacher_maps: the same, of any C.

    Raises:
        ValueError: if maps of a layer differ in their sizes.
    """
    shapes = [[tuple(each.shape[2:]) for each in maps] for maps in (student_maps, teacher_maps)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f'maps of student and teacher should be of the same sizes, but got {shapes[0]} and '
            f'{shapes[1]}; name layers of one stage each'
        )
    pairs = zip(student_maps, teacher_maps, strict=True)
    losses = [F.mse_loss(attention(student), attention(teacher)) for student, teacher in pairs]
    return sum(losses[1:], losses[0])


@MODELS.register_module()
class AttentionTransferLoss(nn.Module):
    """:func:`attention_transfer_loss` with a weight.

    Args:
        loss_weight: factor of the loss.
    """

    def __init__(self, loss_weight: float = 250.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]) -> Tensor:
        """Return the weighted loss of the two networks' maps, layer by layer."""
        return self.loss_weight * attention_transfer_loss(student_maps, teacher_maps)
