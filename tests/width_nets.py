"""Networks whose channels can be cut, and others, of 3-channel images."""

import timm
import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """A stream of ``width`` channels and a branch of ``inner`` ones, flattened maps at the end."""

    def __init__(self, width, inner):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.branch = nn.Conv2d(width, inner, 1)
        self.back = nn.Conv2d(inner, width, 1)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.fc = nn.Linear(4 * width, 5)

    def forward(self, images):
        maps = F.relu(self.norm(self.stem(images)))
        maps = maps + self.back(F.relu(self.branch(maps)))
        return self.fc(F.adaptive_avg_pool2d(self.depthwise(maps), 2).flatten(1))


class Concatenated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3)
        self.fc = nn.Linear(2 * width, 5)

    def forward(self, images):
        maps = self.stem(images).mean((2, 3))
        return self.fc(torch.cat([maps, -maps], dim=1))


class Fixed(nn.Module):
    """Its code knows how many channels there are."""

    def __init__(self):
        super().__init__()
        self.stem, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 2)

    def forward(self, images):
        return self.fc(self.stem(images).view(-1, 8, 1024).mean(2))


def grouped():
    """Convolutions of 32 groups."""
    return timm.create_model('resnext50_32x4d', layers=(1, 1, 1, 1))


class Block(nn.Module):
    def __init__(self, width, mid):
        super().__init__()
        self.a, self.b = nn.Conv2d(width, mid, 3, padding=1), nn.Conv2d(mid, width, 3, padding=1)

    def forward(self, maps):
        return maps + self.b(self.a(maps).relu())


class TwoBlocks(nn.Sequential):
    """As narrow as it can be: half of three groups is none."""

    def __init__(self, mid, groups=1):
        last = nn.Conv2d(6, 6, 3, 2, padding=1, groups=groups)
        blocks = nn.Sequential(Block(6, mid), Block(6, mid))
        super().__init__(
            nn.Conv2d(3, 6, 1), blocks, last, nn.Flatten(), nn.Linear(96, 64), nn.Linear(64, 3)
        )
