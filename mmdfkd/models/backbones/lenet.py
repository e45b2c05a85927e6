"""LeNet-5 and its half, as data-free distillation's MNIST comparisons use them."""

from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from mmdfkd.registry import MODELS


@MODELS.register_module()
class DAFLLeNet5(BaseBackbone):
    """LeNet-5 with ReLU and max pooling, (N, 1, 32, 32) -> features (N, 84 * width).

    The networks of DAFL's public code (Chen et al., ICCV 2019) without the last
    linear layer, which is the head's: mmpretrain's own ``LeNet5`` has tanh,
    average pooling and no half width.

    Args:
        width: factor of every layer's width: 1 for LeNet-5, 0.5 for LeNet-5-half.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        widths = [int(channels * width) for channels in (6, 16, 120, 84)]
        self.features = nn.Sequential(
            nn.Conv2d(1, widths[0], 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(widths[0], widths[1], 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(widths[1], widths[2], 5),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(widths[2], widths[3]),
            nn.ReLU(),
        )

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Return the features of normalised grey images as a tuple of one."""
        return (self.features(inputs),)
