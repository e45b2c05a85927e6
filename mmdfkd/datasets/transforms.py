"""Transforms of real images, for evaluation."""

from mmcv.transforms import BaseTransform

from mmdfkd.registry import TRANSFORMS

from .corruptions import check_corruption, corrupt


@TRANSFORMS.register_module()
class Corrupt(BaseTransform):
    """Corrupts ``img``, (H, W[, 1 or 3]) uint8 RGB, as CIFAR-10-C does.

    In the pipeline of a test set, before ``PackInputs``, it makes every evaluation one on
    corrupted images. An image is corrupted in the same way each time: the chance in it is
    seeded by the family, the severity and the image's place in the data set (``sample_idx``).

    Args:
        name: a family of :data:`mmdfkd.datasets.corruptions.CORRUPTIONS`.
        severity: from 1, weak, to 5.
        seed: for other noise.

    Raises:
        ValueError: for an unknown family or severity.
    """

    def __init__(self, name: str, severity: int, seed: int = 0) -> None:
        check_corruption(name, severity)
        self.name = name
        self.severity = severity
        self.seed = seed

    def transform(self, results: dict) -> dict:
        """Corrupt ``results['img']``."""
        index = results['sample_idx']
        results['img'] = corrupt(results['img'], self.name, self.severity, index, self.seed)
        return results

    def __repr__(self) -> str:
        return f'Corrupt(name={self.name!r}, severity={self.severity}, seed={self.seed})'
