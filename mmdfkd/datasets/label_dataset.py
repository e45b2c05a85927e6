"""The training set of a data-free run: class labels and nothing else."""

from mmengine.dist import get_world_size
from torch.utils.data import Dataset

from mmdfkd.checks import check_positive
from mmdfkd.registry import DATASETS


@DATASETS.register_module()
class LabelDataset(Dataset):
    """Balanced class labels, in turn: 0, 1, ..., C - 1, 0, 1, ...

    It satisfies MMEngine's Runner, samplers and schedulers without one real
    image. Read in order (``shuffle=False``), any ``n`` consecutive items hold each
    class ``n // C`` times, and the remainder moves on from batch to batch
    (where ``samples_per_class`` is 1). Several processes begin at different classes.

    Args:
        num_classes: number of classes C, at least 2.
        length: number of labels in an epoch, at least ``num_classes``; best a multiple of
            C x ``samples_per_class`` x the number of processes, so that the turn goes on over the
            epoch's end.
        samples_per_class: a label's times in a row, over 0. A batch smaller than C has no
            two images of a class otherwise, and the metric-learning loss no pairs.

    Raises:
        ValueError: if an argument is out of range.

    Examples:
        >>> dataset = LabelDataset(num_classes=3, length=6)
        >>> [item['label'] for item in dataset]
        [0, 1, 2, 0, 1, 2]
        >>> dataset = LabelDataset(num_classes=3, length=6, samples_per_class=2)
        >>> [item['label'] for item in dataset]
        [0, 0, 1, 1, 2, 2]
    """

    def __init__(self, num_classes: int, length: int, samples_per_class: int = 1) -> None:
        check_positive(num_classes=num_classes, length=length, samples_per_class=samples_per_class)
        if num_classes < 2:
            raise ValueError(f'num_classes should be at least 2, but got {num_classes}')
        if length < num_classes:
            raise ValueError(
                f'length should be at least num_classes ({num_classes}), but got {length}'
            )
        self.num_classes = num_classes
        self.length = length
        self.samples_per_class = samples_per_class
        self.processes = get_world_size()  # a loader's own processes would see one
        self.metainfo: dict = {}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, int]:
        """Return ``{'label': int}`` with the label in [0, C)."""
        if not 0 <= index < self.length:
            raise IndexError(f'index should be in [0, {self.length}), but got {index}')
        # MMEngine's samplers deal indices to ranks in turn; dividing first gives
        # every rank all classes, not each world_size-th one. They begin apart.
        turn, rank = divmod(index, self.processes)
        start = rank * self.num_classes // self.processes
        return {'label': (start + turn // self.samples_per_class) % self.num_classes}
