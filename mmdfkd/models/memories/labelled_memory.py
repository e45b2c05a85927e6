"""A memory of images that also keeps what the teacher says of a few views of every image."""

from typing import Any

import torch
from torch import Tensor

from mmdfkd.checks import check_positive
from mmdfkd.models.utils.augment import Compose
from mmdfkd.models.utils.gather import gather, share
from mmdfkd.registry import MODELS

from .image_memory import Batch, ImageMemory, NewView

_LARGEST = torch.finfo(torch.half).max


@MODELS.register_module()
class LabelledMemory(ImageMemory):
    """Keeps V augmented views of each image as draws, with the teacher's logits in half precision.

    The student sees an image many times. With views that are the same each time
    the teacher sees each of them once (after "A Fast Knowledge Distillation Framework for
    Visual Recognition", Shen and Xing, ECCV 2022, section 3.1). Buffers: they are
    resumed with the run.

    Args:
        capacity: number of images kept.
        num_views: views V of an image.

    Raises:
        ValueError: if an argument is not positive, or a memory without views, or with another
            number of them, is loaded.
    """

    draws: Tensor
    logits: Tensor

    def __init__(self, capacity: int, num_views: int) -> None:
        super().__init__(capacity)
        check_positive(num_views=num_views)
        self.num_views = num_views

    def allocate(
        self, image_shape: tuple[int, int, int], num_draws: int = 0, num_classes: int = 0
    ) -> Any:
        """Make room for images, draws (capacity, V, num_draws) and logits; see the base."""
        super().allocate(image_shape)
        self.register_buffer('draws', torch.zeros(self.capacity, self.num_views, num_draws))
        shape = (self.capacity, self.num_views, num_classes)
        # Many views of many classes: the logits may take more room than the images.
        self.register_buffer('logits', torch.zeros(shape, dtype=torch.half))
        return self

    def label(self, slots: Tensor, new_view: NewView) -> None:
        """Choose the views of new images in ``slots`` (N,) and have the teacher label them.

        Each process does its share, and keeps the views of all.
        """
        for index in range(self.num_views):
            draws, logits = new_view(self[share(slots)])
            self.draws[slots, index] = gather(draws)
            # Of a larger one half precision would make infinity; NaN stays, and is told.
            self.logits[slots, index] = gather(logits).clamp(-_LARGEST, _LARGEST).to(self.logits)

    def recall(self, slots: Tensor, augment: Compose) -> Batch:
        """Return one of the views of each image in ``slots`` (N,) with the teacher's logits."""
        views = torch.randint(self.num_views, slots.shape, device=slots.device)
        draws, logits = self.draws[slots, views], self.logits[slots, views].float()
        return Batch(augment(self[slots], draws), logits)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        # MMEngine would only warn, and the student would learn logits of 0.
        if f'{prefix}logits' not in state_dict:
            raise ValueError(
                'the checkpoint should have the labelled views of its images, but got one of a '
                'run without; go on with model.memory of type ImageMemory'
            )
        num_views = state_dict[f'{prefix}logits'].size(1)
        if num_views != self.num_views:
            raise ValueError(
                f'the checkpoint should have {self.num_views} views of an image, as the config '
                f'says, but got {num_views}; add --cfg-options model.memory.num_views={num_views}'
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
