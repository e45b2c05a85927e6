"""Backbones that mmpretrain and timm lack."""

from .lenet import DAFLLeNet5

__all__ = ['DAFLLeNet5']
