"""A generator that lays flat shapes over each other."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_positive
from mmdfkd.registry import MODELS

from .conditional import ConditionalGenerator

_SHARPNESS = 4.0  # standard deviation of a mask before the sigmoid, at the start
_COVERED = -0.7  # mean of a mask in these units: a layer covers a quarter of the image
_CONTRAST = 1.5  # standard deviation of a shade before the sigmoid, at the start


@MODELS.register_module()
class LayeredGenerator(ConditionalGenerator):
    """Conditional generator whose images are layers of one shade each over a black ground.

    The decoder gives masks, and a dense layer the shade of each; every layer hides what is below
    by its mask, ``image = (1 - mask) * image + mask * shade`` (LR-GAN, Yang et al., ICLR 2017,
    equation 2, with flat shades; the dead leaves model of Lee et al., IJCV 2001, made
    differentiable). A network without batch norms says little about how natural images look;
    then this does: objects with edges, plain inside, on a ground.

    Args:
        num_classes: number of classes C.
        latent_dim, image_size, out_channels, base_channels: see :class:`UnconditionalGenerator`.
        num_layers: number of layers.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        latent_dim: int = 100,
        image_size: int | Sequence[int] = 32,
        out_channels: int = 3,
        base_channels: int = 64,
        num_layers: int = 4,
    ) -> None:
        check_positive(num_layers=num_layers)
        # The masks are of half the side: edges are smooth curves.
        super().__init__(
            num_classes, latent_dim, image_size, out_channels, base_channels, subpixel=True
        )
        self.num_layers = num_layers
        self.to_pixels = nn.Conv2d(self.last_width, num_layers, 3, padding=1)
        self.pixel_norm = nn.BatchNorm2d(num_layers)
        nn.init.constant_(self.pixel_norm.weight, _SHARPNESS)
        nn.init.constant_(self.pixel_norm.bias, _COVERED * _SHARPNESS)
        inputs = self._dense_inputs()
        self.shade = nn.Linear(inputs, num_layers * out_channels)
        nn.init.normal_(self.shade.weight, std=_CONTRAST / inputs**0.5)

    def _decode(self, code: Tensor) -> Tensor:
        masks = self.pixel_norm(self.to_pixels(self._maps(code)))
        masks = F.interpolate(masks, scale_factor=2, mode='bicubic').sigmoid()
        shades = self.shade(code).sigmoid().view(len(code), self.num_layers, -1, 1, 1)
        images = torch.zeros_like(masks[:, :1])
        for layer in range(self.num_layers):
            mask = masks[:, layer, None]
            images = images * (1 - mask) + mask * shades[:, layer]
        return images * 255
