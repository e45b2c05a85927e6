"""What lets mmrazor train on our images, and our students with mmrazor's losses."""

import inspect
from typing import Any

import razor_compat  # noqa: F401  (mmrazor's parts can be built from here on)
import torch
from mmengine.model import BaseModule
from mmpretrain.structures import DataSample
from mmrazor.registry import MODELS as MMRAZOR_MODELS
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmdfkd.datasets import LabelDataset
from mmdfkd.registry import DATASETS, MODELS


@DATASETS.register_module()
class RazorLabels(Dataset):
    """Labels in the form in which mmrazor wants a batch of real images.

    Its data-free algorithms count the ``inputs`` of a batch and hand the labels to heads; they
    look at no pixel, and need no data set of images.

    Args:
        num_classes: number of classes.
        length: number of samples.
    """

    def __init__(self, num_classes: int, length: int) -> None:
        self.labels = LabelDataset(num_classes, length)
        self.metainfo: dict = {}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return ``{'inputs': one black pixel (1, 1, 1), 'data_samples': its label}``."""
        sample = DataSample().set_gt_label(self.labels[index]['label'])
        return {'inputs': torch.zeros(1, 1, 1, dtype=torch.uint8), 'data_samples': sample}


@MODELS.register_module()
class RazorGenerator(BaseModule):
    """One of our generators, as mmrazor calls its own: ``generator(latents, batch_size)``.

    mmrazor shows its images to the networks as they are; ours are pixels, and normalised here.

    Args:
        generator: config of an unconditional generator: mmrazor has no place for labels.
        mean: of each channel in pixels, the data preprocessor's.
        std: likewise.

    Raises:
        ValueError: if the generator is conditional.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, generator: dict, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.generator: Any = MODELS.build(generator)
        if self.generator.conditional:
            raise ValueError(
                'generator should be unconditional, since mmrazor gives it no labels, but got '
                f'{type(self.generator).__name__}; take mmdfkd.UnconditionalGenerator'
            )
        self.latent_dim = self.generator.latent_dim
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1))

    @property
    def module(self) -> 'RazorGenerator':
        """Itself: mmrazor asks for what DDP wraps, also where there is one process."""
        return self

    def forward(self, data: Tensor | None = None, batch_size: int = 1) -> Tensor:
        """Make normalised images (N, C, H, W) of latents (N, latent_dim), or of new ones."""
        if data is None:
            data = torch.randn(batch_size, self.latent_dim)
        return (self.generator(data.to(self.mean.device), None) - self.mean) / self.std


@MODELS.register_module()
class RazorLoss(nn.Module):
    """One of mmrazor's losses of logits, as ``loss_kd`` of our distillers.

    A loss that wants labels beside the logits gets the teacher's decisions: synthetic images
    have no others.

    Args:
        loss: its config, e.g. ``dict(type='DKDLoss', tau=4.0)``.

    Raises:
        ValueError: if it is no loss of two logits.
    """

    def __init__(self, loss: dict) -> None:
        super().__init__()
        self.loss = MMRAZOR_MODELS.build(loss)
        wanted = [
            name
            for name, parameter in inspect.signature(self.loss.forward).parameters.items()
            if parameter.default is parameter.empty
        ]
        self.wants_labels = wanted[2:] == ['gt_labels']
        if len(wanted) != 2 and not self.wants_labels:
            raise ValueError(
                f'loss should be one of the student’s and the teacher’s logits, but '
                f'{type(self.loss).__name__} wants {wanted}; take KLDivergence, DKDLoss, DISTLoss, '
                'WSLD, DistanceWiseRKD or AngleWiseRKD'
            )

    def forward(self, student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
        """Return the loss of two (N, C) logits."""
        labels = (teacher_logits.argmax(1),) if self.wants_labels else ()
        return self.loss(student_logits, teacher_logits, *labels)
