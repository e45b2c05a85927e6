"""A few views of every bank image, with the teacher's word on them."""

from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdfkd.registry import MODELS


@MODELS.register_module()
class FixedViews(BaseModule):
    """Keeps V augmented views of each bank image as draws, with the teacher's logits.

    The student sees an image many times. With views that are the same each time
    the teacher sees each of them once (after "A Fast Knowledge Distillation Framework for
    Visual Recognition", Shen and Xing, ECCV 2022, section 3.1). Buffers: they are
    resumed with the run.

    Args:
        num_views: views V of an image.
        capacity: the bank's.
        num_draws: numbers K that make a view; see :class:`Augmentation`.
        num_classes: classes C.

    Raises:
        ValueError: if ``num_views`` is not positive, or a bank without views is loaded.
    """

    draws: Tensor
    logits: Tensor

    def __init__(self, num_views: int, capacity: int, num_draws: int, num_classes: int) -> None:
        super().__init__()
        if num_views < 1:
            raise ValueError(
                f'fixed_views should be at least 1, or 0 for none, but got {num_views}'
            )
        self.num_views = num_views
        self.register_buffer('draws', torch.zeros(capacity, num_views, num_draws))
        self.register_buffer('logits', torch.zeros(capacity, num_views, num_classes))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        # MMEngine would only warn, and the student would learn logits of 0.
        if f'{prefix}logits' not in state_dict:
            raise ValueError(
                'the checkpoint should have the fixed views of its images, but got one of a run '
                'without; go on with model.fixed_views=0'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def put(self, slots: Tensor, view: int, draws: Tensor, logits: Tensor) -> None:
        """Store view ``view`` of ``slots`` (N,): draws (N, K) and logits (N, C)."""
        self.draws[slots, view] = draws
        self.logits[slots, view] = logits.to(self.logits)

    def sample(self, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Choose one view of each of ``slots`` (N,): its draws (N, K) and logits (N, C)."""
        views = torch.randint(self.num_views, slots.shape, device=slots.device)
        return self.draws[slots, views], self.logits[slots, views]
