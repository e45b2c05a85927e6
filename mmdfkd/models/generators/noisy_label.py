"""The generator of NAYER: label codes through a layer of noise, in place of latents."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_positive
from mmdfkd.registry import MODELS

from .unconditional import UnconditionalGenerator


def orthogonal_codes(num_classes: int, code_dim: int, seed: int = 0) -> Tensor:
    """Draw orthogonal codes (C, code_dim) of unit mean square, of ``seed`` alone.

    Raises:
        ValueError: if there are more classes than dimensions.
    """
    if num_classes > code_dim:
        raise ValueError(
            f'code_dim should be at least num_classes ({num_classes}), but got {code_dim}'
        )
    draws = torch.randn(code_dim, num_classes, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(draws).Q.t() * code_dim**0.5


@MODELS.register_module()
class NoisyLabelGenerator(BaseModule):
    """Label codes, batch norm, a linear layer of noise, and a decoder.

    NAYER (Tran et al., CVPR 2024, section 3): the variety of the images comes from the layer of
    noise, drawn anew for every inversion and optimised in it with the rest. Each layer serves
    one image of each class: the first of each, then the second, and so on. The paper's codes are
    CLIP's of the class names; these are orthogonal, and need no other model.

    Args:
        num_classes: number of classes C.
        code_dim: size of a code, at least C.
        noise_dim: what the noise maps codes to.
        image_size, out_channels, base_channels: see :class:`UnconditionalGenerator`.

    Raises:
        ValueError: if an argument is out of range.
    """

    conditional = True
    codes: Tensor

    def __init__(
        self,
        num_classes: int,
        code_dim: int = 512,
        noise_dim: int = 1000,
        image_size: int | Sequence[int] = 32,
        out_channels: int = 3,
        base_channels: int = 64,
    ) -> None:
        super().__init__()
        check_positive(num_classes=num_classes, code_dim=code_dim, noise_dim=noise_dim)
        self.num_classes = num_classes
        self.image_size = image_size
        self.out_channels = out_channels
        self.latent_dim = noise_dim
        self.register_buffer('codes', orthogonal_codes(num_classes, code_dim))
        self.norm = nn.BatchNorm1d(code_dim)
        self.decoder = UnconditionalGenerator(
            noise_dim, image_size, out_channels, base_channels, pixel_norm=False
        )

    def draw_noise(self, labels: Tensor) -> list[Tensor]:
        """Draw a layer for each image of the commonest class in ``labels`` (N,).

        Returns:
            Weights (L, code_dim, noise_dim) and zero biases (L, 1, noise_dim).

        Raises:
            ValueError: if there is one label: the codes' batch norm needs two.
        """
        if len(labels) < 2:
            raise ValueError(
                'a process should have 2 images or more in a batch for NoisyLabelGenerator, but '
                'got 1; raise train_dataloader.batch_size'
            )
        layers = int(labels.bincount().max())
        weight = torch.randn(layers, self.codes.size(1), self.latent_dim, device=self.codes.device)
        return [weight.requires_grad_(), torch.zeros_like(weight[:, :1]).requires_grad_()]

    def forward(self, labels: Tensor, noise: list[Tensor]) -> Tensor:
        """Synthesise images.

        Args:
            labels: (N,) int64 in [0, C).
            noise: of :meth:`draw_noise` for these labels.

        Returns:
            Pixels in [0, 255], (N, out_channels, height, width).
        """
        weight, bias = noise
        codes = self.norm(self.codes[labels])
        ranks = F.one_hot(labels, self.num_classes).cumsum(0).gather(1, labels[:, None])[:, 0] - 1
        places = ranks * self.num_classes + labels
        groups = codes.new_zeros(len(weight) * self.num_classes, codes.size(1))
        groups = groups.index_copy(0, places, codes).view(len(weight), self.num_classes, -1)
        return self.decoder(torch.baddbmm(bias, groups, weight).flatten(0, 1)[places])
