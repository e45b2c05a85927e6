"""What hooks, tools and MMEngine's loops ask of every distiller, apart from training it."""

from typing import Any

from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import Dataset

from mmdfkd.datasets import MemoryDataset
from mmdfkd.models.utils import unwrap

from .synthesis import describe


class ToolInterface(BaseModel):
    """The student as a classifier, and the synthetic images to look at and to measure."""

    #: What tools can take images from: held-out samples of a generator, or the memory.
    sources: tuple[str, ...] = ('memory',)
    #: Whether the images of :meth:`preview` are of classes that were asked for.
    conditional: bool = False
    student: Any
    memory: Any

    def check_ready(self) -> None:
        """Raise what would end the first round; called before it, and not to evaluate."""

    def preview(self, num: int, rows: int, seed: int = 0) -> Tensor:
        """Return at most ``num`` images (N, C, H, W) to look at, pixels in [0, 255].

        Here the memory's newest; a generator makes ``rows`` classes, of latents of ``seed``.
        """
        return self.memory[self.memory.newest(num)]

    def held_out(self, num: int, seed: int = 0) -> Dataset:
        """Return ``num`` samples for figures, fewer where there are not as many.

        Here the memory's images; a generator's are of latents of ``seed`` that no training
        step has seen.
        """
        return MemoryDataset(min(num, len(self.memory)))

    def val_step(self, data: dict) -> list:
        """Predict real images, or synthesise: ``data`` has ``latent`` and ``label``, or ``slot``.

        Returns:
            One data sample an image; of :class:`~mmdfkd.datasets.LatentDataset`'s and
            ``MemoryDataset``'s batches a list of one dict, :func:`~.synthesis.describe`'s.
        """
        if 'latent' in data or 'slot' in data:
            return [describe(self, self.data_preprocessor.cast_data(data))]
        return super().val_step(data)

    test_step = val_step

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[DataSample] | None = None,
        mode: str = 'tensor',
    ) -> Tensor | list[DataSample]:
        """Run the student on normalised images (N, C, H, W).

        Args:
            inputs: the images.
            data_samples: receive the predictions in mode ``'predict'``.
            mode: ``'tensor'`` gives logits (N, C), ``'predict'`` data samples.

        Raises:
            ValueError: for another mode; training goes through ``train_step``.
        """
        student = unwrap(self.student)
        if mode == 'tensor':
            return student(inputs).logits
        if mode == 'predict':
            return student.predict(inputs, data_samples)
        raise ValueError(f"mode should be 'tensor' or 'predict', but got {mode!r}")
