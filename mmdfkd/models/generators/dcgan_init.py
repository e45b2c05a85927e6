"""The initial weights of DCGAN."""

from torch import nn


def dcgan_init(network: nn.Module) -> None:
    """Draw linear and convolutional weights from N(0, 0.02) and batch norms' from N(1, 0.02).

    DCGAN (Radford et al., ICLR 2016), section 3, and the ``reset_model`` of CMI's and Fast's
    public code; biases become 0. What sets the contrast of a generator's images stays: its
    ``pixel_norm``, and the ``shade`` of layers.
    """
    for name, layer in network.named_modules():
        if name.endswith(('pixel_norm', 'shade')):
            continue
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.BatchNorm2d) and layer.weight is not None:
            mean = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
            nn.init.normal_(layer.weight, mean, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
