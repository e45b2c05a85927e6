"""The class-conditional generator of DE-DFKD."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmdfkd.checks import check_positive
from mmdfkd.registry import MODELS

from .unconditional import UnconditionalGenerator

LABEL_INJECTIONS = ('one_hot', 'embedding', 'sum')


@MODELS.register_module()
class ConditionalGenerator(UnconditionalGenerator):
    """Generator G(z, y) of DE-DFKD (Liu et al., 2024); a reconstruction from the abstract.

    Args:
        num_classes: number of classes C.
        label_injection: how the label enters: ``'one_hot'`` and ``'embedding'``
            concatenate [z; one-hot y] or [z; learned embedding of y] before the
            dense layer; ``'sum'`` adds a learned embedding of y to z (MAD, Do et al.,
            NeurIPS 2022).
        embedding_dim: size of the learned embedding that is concatenated.
        latent_dim, image_size, out_channels, base_channels, subpixel, median_pixel: see
            :class:`UnconditionalGenerator`.

    Raises:
        ValueError: if an argument is out of range.
    """

    conditional = True

    def __init__(
        self,
        num_classes: int,
        latent_dim: int = 100,
        image_size: int | Sequence[int] = 32,
        out_channels: int = 3,
        base_channels: int = 64,
        subpixel: bool = False,
        median_pixel: float = 127.5,
        label_injection: str = 'one_hot',
        embedding_dim: int = 64,
    ) -> None:
        if label_injection not in LABEL_INJECTIONS:
            raise ValueError(
                f'label_injection should be one of {LABEL_INJECTIONS}, but got {label_injection!r}'
            )
        check_positive(num_classes=num_classes, embedding_dim=embedding_dim)
        if num_classes < 2:
            raise ValueError(f'num_classes should be at least 2, but got {num_classes}')
        # The base constructor asks _dense_inputs, which needs these.
        self.num_classes = num_classes
        self.label_injection = label_injection
        self.embedding_dim = embedding_dim
        super().__init__(
            latent_dim, image_size, out_channels, base_channels, subpixel, median_pixel
        )
        if label_injection in ('embedding', 'sum'):
            size = embedding_dim if label_injection == 'embedding' else latent_dim
            self.embedding = nn.Embedding(num_classes, size)

    def _dense_inputs(self) -> int:
        label_inputs = {'one_hot': self.num_classes, 'embedding': self.embedding_dim, 'sum': 0}
        return self.latent_dim + label_inputs[self.label_injection]

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Synthesise images of the asked classes.

        Args:
            latents: (N, latent_dim), drawn from N(0, I).
            labels: (N,) int64 in [0, C).

        Returns:
            Pixels in [0, 255], (N, out_channels, height, width).
        """
        if labels is None:
            raise ValueError('labels should be a tensor (N,) of classes, but got None')
        if self.label_injection == 'sum':
            return self._decode(latents + self.embedding(labels))
        if self.label_injection == 'one_hot':
            # Unit mean square, like the latents: an unscaled label is learned late.
            one_hot = F.one_hot(labels, self.num_classes).to(latents)
            label_code = one_hot * self.num_classes**0.5
        else:
            label_code = self.embedding(labels)
        return self._decode(torch.cat([latents, label_code], dim=1))
