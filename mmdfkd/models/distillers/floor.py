"""Floors: a student that learns from images which nothing was done for."""

from abc import abstractmethod
from typing import Any

import torch
from mmengine.optim import OptimWrapperDict
from torch import Tensor

from mmdfkd.models.utils import gather

from .base import DataFreeDistiller, Log
from .frame.parts import check_memory


class FloorDistiller(DataFreeDistiller):
    """Base of the floors: every round adds new images to the memory, and no step is spent on them.

    Memory, student steps and augmentation are those of any method, so that what a method
    reaches above a floor is what its images are worth.

    Args:
        **kwargs: see :class:`DataFreeDistiller`; ``memory`` should be given.

    Raises:
        ValueError: if there is no memory.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_memory(self)

    def synthesize(self, labels: Tensor, optim_wrapper: OptimWrapperDict) -> list[Log]:
        """Remember as many new images as there are ``labels`` (N,), whose classes do not matter.

        Returns:
            One log: of the teacher's predictions of these images the mean ``confidence``, and
            the ``class_entropy`` of their mean over all processes, in [0, ln C]: near 0 if it
            sees one class in all.
        """
        images = self.new_images(len(labels), labels.device)
        self.remember(images, optim_wrapper)
        predictions = self.ask_teacher(self.normalize(images)).softmax(1)
        mean = gather(predictions).mean(0)
        entropy = -torch.xlogy(mean, mean).sum()
        return [{'confidence': predictions.amax(1).mean(), 'class_entropy': entropy}]

    @abstractmethod
    def new_images(self, num: int, device: torch.device) -> Tensor:
        """Return ``num`` images on ``device``: pixels (num, C, H, W) in [0, 255]."""
