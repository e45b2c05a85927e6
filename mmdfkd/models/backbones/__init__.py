"""Backbones that mmpretrain and timm lack."""

from .lenet import DAFLLeNet5
from .thin_resnet import ThinResNet

__all__ = ['DAFLLeNet5', 'ThinResNet']
