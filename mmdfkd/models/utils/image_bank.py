"""A ring buffer of synthetic images on the device."""

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmdfkd.registry import MODELS

from .processes import gather


@MODELS.register_module()
class ImageBank(BaseModule):
    """Keeps the newest ``capacity`` images as 8-bit pixels in a buffer.

    A buffer moves with the model and is saved in checkpoints, so a resumed run
    draws from the very images it had. Adding and sampling stay on the device and
    never wait for it. Of several processes each keeps the images of all, so that they
    have one bank, whose checkpoint is everyone's; each draws from it on its own.

    Args:
        capacity: number of images kept.
        image_shape: (channels, height, width) of an image.

    Raises:
        ValueError: if ``capacity`` is not positive.
    """

    images: Tensor

    def __init__(self, capacity: int, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        if capacity < 1:
            raise ValueError(f'capacity should be at least 1, but got {capacity}')
        self.capacity = capacity
        self.num_added = 0  # since the run began; a host integer, so no step waits for it
        self.register_buffer('images', torch.zeros(capacity, *image_shape, dtype=torch.uint8))

    def __len__(self) -> int:
        return min(self.num_added, self.capacity)

    @torch.no_grad()
    def add(self, images: Tensor) -> Tensor:
        """Store all processes' pixels in [0, 255], (N, C, H, W); the oldest give way.

        Of more than ``capacity`` images the last ones are kept.

        Returns:
            The slots they went to, (number of processes * N,), in the order of the ranks.
        """
        added = gather(images.round().clamp(0, 255).to(torch.uint8))
        newest = added[-self.capacity :]
        self.num_added += len(added)
        end = torch.arange(-len(newest), 0, device=self.images.device) + self.num_added
        slots = end % self.capacity
        self.images[slots] = newest
        return slots

    def sample(self, num_images: int) -> Tensor:
        """Draw slots (num_images,) with replacement.

        Raises:
            RuntimeError: if nothing has been added yet.
        """
        if not len(self):
            raise RuntimeError('the bank should hold images before sample(), but it is empty')
        return torch.randint(len(self), (num_images,), device=self.images.device)

    def __getitem__(self, slots: Tensor) -> Tensor:
        """Return the images in ``slots`` (N,): float pixels in [0, 255], (N, C, H, W)."""
        return self.images[slots].float()

    def get_extra_state(self) -> Tensor:
        """Return ``num_added`` for the checkpoint."""
        return torch.tensor(self.num_added)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore ``num_added`` from a checkpoint."""
        self.num_added = int(state)
