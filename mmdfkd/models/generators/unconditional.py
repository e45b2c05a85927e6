"""The unconditional generator of DAFL and its descendants."""

import math
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmdfkd.checks import check_positive, check_switch
from mmdfkd.registry import MODELS

from .sizes import first_map_size

_WIDEST = 8  # times base_channels
_CONTRAST = 3.0  # standard deviation before the sigmoid, at the start


@MODELS.register_module()
class UnconditionalGenerator(BaseModule):
    """Dense layer, then (upsample, convolution, batch norm, leaky ReLU) per doubling.

    The generator of DAFL (Chen et al., ICCV 2019) and Fast (Fang et al., AAAI
    2022), for many image sizes. It serves the comparisons; labels are ignored.

    Args:
        latent_dim: size nz of a latent.
        image_size: side of a square image in pixels, or (height, width): multiples of 4 up to
            1024; with a side over 256 multiples of 8, with one over 512 of 16.
        out_channels: 1 (grey) or 3 (colour).
        base_channels: width of the last hidden map, earlier ones double it; with ``subpixel``,
            which leaves that map out, twice as much is the last one's.
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
        image_size: int | Sequence[int] = 32,
        out_channels: int = 3,
        base_channels: int = 64,
        subpixel: bool = False,
        median_pixel: float = 127.5,
        pixel_norm: bool = True,
    ) -> None:
        super().__init__()
        check_positive(latent_dim=latent_dim, base_channels=base_channels)
        check_switch(subpixel=subpixel, pixel_norm=pixel_norm)
        if out_channels not in (1, 3):
            raise ValueError(f'out_channels should be 1 or 3, but got {out_channels}')
        if not 0 < median_pixel < 255:
            raise ValueError(f'median_pixel should be in (0, 255), but got {median_pixel}')
        self.latent_dim = latent_dim
        self.image_size = image_size
        self.out_channels = out_channels

        height, width, doublings = first_map_size(image_size)
        widths = [base_channels * min(2**i, _WIDEST) for i in reversed(range(doublings))]
        first_width = widths[0]
        if subpixel:
            widths.pop()
        self.first_map = (first_width, height, width)
        self.last_width = widths[-1]
        self.dense = nn.Linear(self._dense_inputs(), first_width * height * width)
        self.first_norm = nn.BatchNorm2d(first_width)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1, bias=False)
            for before, after in zip([first_width, *widths], widths, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for channels in widths)
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

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Synthesise images.

        Args:
            latents: (N, latent_dim), drawn from N(0, I).
            labels: not used.

        Returns:
            Pixels in [0, 255], (N, out_channels, height, width).
        """
        return self._decode(latents)

    def _maps(self, code: Tensor) -> Tensor:
        maps = self.first_norm(self.dense(code).view(-1, *self.first_map))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            maps = self.activation(norm(conv(self.upsample(maps))))
        return maps

    def _decode(self, code: Tensor) -> Tensor:
        maps = self._maps(code)
        return self.pixel_norm(self.to_pixels(maps)).sigmoid() * 255
