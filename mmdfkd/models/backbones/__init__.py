"""Backbones that mmpretrain and timm lack."""

from .lenet import DAFLLeNet5
from .thin_resnet import ThinResNet
from .wide_resnet import WideResNet

__all__ = ['DAFLLeNet5', 'ThinResNet', 'WideResNet']
