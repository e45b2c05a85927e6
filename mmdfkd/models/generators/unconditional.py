"""The unconditional generator of DAFL and its descendants."""

import math

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdfkd.checks import check_positive
from mmdfkd.registry import MODELS

_LARGEST_FIRST_MAP = 8  # pixels; the map that the dense layer makes
_WIDEST = 8  # times base_channels
_LARGEST_IMAGE = 224  # pixels
_CONTRAST = 3.0  # standard deviation before the sigmoid, at the start


def first_map_size(image_size: int) -> tuple[int, int]:
    """Choose how often to double: (side of the first map, number of doublings).

    The side is halved at least twice, and further while it is even and over 8
    pixels: 28 -> (7, 2), 32 -> (8, 2), 64 -> (8, 3), 224 -> (7, 5).

    Raises:
        ValueError: if the side is not a multiple of 4 up to 224.
    """
    if image_size % 4 or not 0 < image_size <= _LARGEST_IMAGE:
        raise ValueError(
            f'image_size should be a multiple of 4 in (0, {_LARGEST_IMAGE}], but got {image_size}'
        )
    side, doublings = image_size // 4, 2
    while side % 2 == 0 and side > _LARGEST_FIRST_MAP:
        side, doublings = side // 2, doublings + 1
    return side, doublings


@MODELS.register_module()
class UnconditionalGenerator(BaseModule):
    """Dense layer, then (upsample, convolution, batch norm, leaky ReLU) per doubling.

    The generator of DAFL (Chen et al., ICCV 2019) and Fast (Fang et al., AAAI
    2022), for any image size. It serves the comparisons; labels are ignored.

    Args:
        latent_dim: size nz of a latent.
        image_size: side of the square image in pixels, a multiple of 4 up to 224.
        out_channels: 1 (grey) or 3 (colour).
        base_channels: width of the last hidden map; earlier ones double it.
        subpixel: make the last doubling by a sub-pixel convolution (Shi et al., CVPR
            2016) at half the side, which spares the costliest convolutions.
        median_pixel: median pixel, in (0, 255), that training starts from; less than
            the data preprocessor's mean if that and its std say that most are dark.
        pixel_norm: end in a batch norm, as DAFL's does; the generators of CMI, Fast and NAYER
            do not, and then ``median_pixel`` is not used.

    Raises:
        ValueError: if a number is out of range.
    """

    conditional = False  # do labels matter?

    def __init__(
        self,
        latent_dim: int = 100,
        image_size: int = 32,
        out_channels: int = 3,
        base_channels: int = 64,
        subpixel: bool = False,
        median_pixel: float = 127.5,
        pixel_norm: bool = True,
    ) -> None:
        super().__init__()
        check_positive(latent_dim=latent_dim, base_channels=base_channels)
        if out_channels not in (1, 3):
            raise ValueError(f'out_channels should be 1 or 3, but got {out_channels}')
        if not 0 < median_pixel < 255:
            raise ValueError(f'median_pixel should be in (0, 255), but got {median_pixel}')
        self.latent_dim = latent_dim
        self.image_size = image_size
        self.out_channels = out_channels

        side, doublings = first_map_size(image_size)
        widths = [base_channels * min(2**i, _WIDEST) for i in reversed(range(doublings))]
        first_width = widths[0]
        if subpixel:
            widths.pop()
        self.first_map = (first_width, side, side)
        self.dense = nn.Linear(self._dense_inputs(), first_width * side * side)
        self.first_norm = self._norm(first_width)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False)
            for before, after in zip([first_width, *widths], widths, strict=False)
        )
        self.norms = nn.ModuleList(self._norm(width) for width in widths)
        self.activation = nn.LeakyReLU(0.2)
        self.upsample = nn.Upsample(scale_factor=2)
        if subpixel:
            self.to_pixels: nn.Module = nn.Sequential(
                nn.Conv2d(widths[-1], 4 * out_channels, 3, padding=1), nn.PixelShuffle(2)
            )
        else:
            self.to_pixels = nn.Conv2d(widths[-1], out_channels, 3, padding=1)
        self.pixel_norm: nn.Module = nn.Identity()
        if not pixel_norm:
            return
        # Batch norm keeps the contrast up (DAFL's public generator ends in one too).
        self.pixel_norm = nn.BatchNorm2d(out_channels)
        nn.init.constant_(self.pixel_norm.weight, _CONTRAST)
        nn.init.constant_(self.pixel_norm.bias, math.log(median_pixel / (255 - median_pixel)))

    def _dense_inputs(self) -> int:
        return self.latent_dim

    def _norm(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Synthesise images.

        Args:
            latents: (N, latent_dim), drawn from N(0, I).
            labels: not used.

        Returns:
            Pixels in [0, 255], (N, out_channels, image_size, image_size).
        """
        return self._decode(latents)

    def _decode(self, code: Tensor, *norm_args: Tensor) -> Tensor:
        maps = self.first_norm(self.dense(code).view(-1, *self.first_map), *norm_args)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            maps = self.activation(norm(conv(self.upsample(maps)), *norm_args))
        return self.pixel_norm(self.to_pixels(maps)).sigmoid() * 255
