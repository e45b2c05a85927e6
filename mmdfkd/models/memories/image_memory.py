"""A ring buffer of synthetic images on the device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdfkd.checks import check_positive
from mmdfkd.models.utils.augment import Compose
from mmdfkd.models.utils.counter import Counter
from mmdfkd.models.utils.gather import gather
from mmdfkd.registry import MODELS


class Batch(NamedTuple):
    """What a student step learns from."""

    images: Tensor  # augmented pixels (N, C, H, W) in [0, 255]
    teacher_logits: Tensor | None = None  # (N, K) of them, where they are known already


#: Augments pixels (N, C, H, W) anew: the draws (N, D) that make the view, and the teacher's
#: logits (N, K) of it.
NewView = Callable[[Tensor], tuple[Tensor, Tensor]]


@MODELS.register_module()
class ImageMemory(BaseModule):
    """Keeps the newest ``capacity`` images as 8-bit pixels in a buffer.

    A buffer moves with the model and is saved in checkpoints, so a resumed run
    draws from the very images it had. Adding and sampling stay on the device and
    never wait for it. Of several processes each keeps the images of all, so that they
    have one memory, whose checkpoint is everyone's; each draws from it on its own.

    Args:
        capacity: number of images kept.

    Raises:
        ValueError: if ``capacity`` is not positive.
    """

    images: Tensor

    def __init__(self, capacity: int) -> None:
        super().__init__()
        check_positive(capacity=capacity)
        self.capacity = capacity
        self.num_added = Counter()  # since the run began

    def allocate(
        self, image_shape: tuple[int, int, int], num_draws: int = 0, num_classes: int = 0
    ) -> Any:
        """Make room, once; the distiller calls it.

        Args:
            image_shape: (channels, height, width) of an image.
            num_draws: numbers that make a view of one; see :class:`Augmentation`.
            num_classes: length of the teacher's logits.

        Returns:
            The memory itself.
        """
        images = torch.zeros(self.capacity, *image_shape, dtype=torch.uint8)
        self.register_buffer('images', images)
        return self

    def __len__(self) -> int:
        return min(int(self.num_added), self.capacity)

    @torch.no_grad()
    def add(self, images: Tensor) -> Tensor:
        """Store all processes' pixels in [0, 255], (N, C, H, W); the oldest give way.

        Of more than ``capacity`` images the last ones are kept.

        Returns:
            The slots they went to, (number of processes * N,), in the order of the ranks.
        """
        added = gather(images.round().clamp(0, 255).to(torch.uint8))
        self.num_added.add(len(added))
        slots = self.newest(len(added))
        self.images[slots] = added[-self.capacity :]
        return slots

    def newest(self, num: int) -> Tensor:
        """Return the slots (num,) of the images added last, the newest at the end."""
        num = min(num, len(self))
        end = torch.arange(-num, 0, device=self.images.device) + int(self.num_added)
        return end % self.capacity

    def label(self, slots: Tensor, new_view: NewView) -> None:
        """Do nothing: every student step asks the teacher itself."""

    def draw(self, num: int) -> Tensor:
        """Draw slots (num,) with replacement.

        Raises:
            RuntimeError: if nothing has been added yet.
        """
        if not len(self):
            raise RuntimeError('the memory should hold images before draw(), but it is empty')
        return torch.randint(len(self), (num,), device=self.images.device)

    def recall(self, slots: Tensor, augment: Compose) -> Batch:
        """Return new views of the images in ``slots`` (N,)."""
        draws = torch.rand(len(slots), augment.num_draws, device=slots.device)
        return Batch(augment(self[slots], draws))

    def __getitem__(self, slots: Tensor) -> Tensor:
        """Return the images in ``slots`` (N,): float pixels in [0, 255], (N, C, H, W)."""
        return self.images[slots].float()
