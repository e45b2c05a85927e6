"""Networks as a user has them, of 8-pixel images of 3 classes."""

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)

    def forward(self, maps):
        return maps + self.norm(self.conv(maps)).relu()


def with_bn(blocks=2):
    """Stages of 8 and 4 pixels, and pooled features."""
    stages = []
    for width, stride in ((3, 1), (4, 2), (5, 2)):
        # No strided 1x1 of few channels: oneDNN writes out of bounds there on CPUs without AVX-512.
        inputs = stages[-1][0].conv.in_channels if stages else 3
        stages += [nn.Conv2d(inputs, width, kernel_size=stride, stride=stride)]
        stages += [nn.Sequential(*(Residual(width) for _ in range(blocks)))]
    return nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))


def grey():
    """No batch norm, grey images."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3)
    )


def convolutions():
    """No linear layer: the last convolution is averaged."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2),
        nn.ReLU(),
        nn.Conv2d(4, 8, 2),
        nn.ReLU(),
        nn.Conv2d(8, 3, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


class WithFeatures(nn.Module):
    """Returns its features before its logits."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(192, 8))
        self.fc = nn.Linear(8, 3)

    def forward(self, images):
        features = self.body(images)
        return features, self.fc(features)


def save(function, path):
    """Save weights of a network whose running statistics are not the initial ones."""
    torch.manual_seed(0)
    network = function()
    channels = next(network.parameters()).size(1)
    for _ in range(3):
        network(torch.randn(8, channels, 8, 8))
    torch.save(network.state_dict(), path)
    return str(path)
