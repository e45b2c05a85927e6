"""A floor: distillation on Gaussian noise."""

import torch
from torch import Tensor

from mmdfkd.registry import MODELS

from .floor import FloorDistiller


@MODELS.register_module()
class GaussianNoise(FloorDistiller):
    """The student learns what the teacher says of noise.

    Every normalised pixel is of N(0, 1), the noise that DeepInversion starts from, as far as
    an image can hold it: clamped to the range of pixels and rounded to 8 bits in the memory.

    Args:
        **kwargs: see :class:`DataFreeDistiller`; ``memory`` should be given.
    """

    def new_images(self, num: int, device: torch.device) -> Tensor:
        """Draw noise; see the base."""
        noise = torch.randn(num, *self.image_shape, device=device)
        return self.denormalize(noise).clamp(0, 255)
