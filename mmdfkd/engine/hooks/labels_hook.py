"""The data sets of a plain classifier have its classes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdfkd.datasets.labels import check_dataset
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS


@HOOKS.register_module()
class LabelsHook(Hook):
    """Check the labels of a classifier's data sets before they are used, as a teacher's are.

    Distillers' are checked by ``DistillationSummaryHook``. ``tools/train.py`` and
    ``tools/test.py`` register it.

    Raises:
        ValueError: if a data set has other classes than the classifier, or labels beyond them.
    """

    def before_train(self, runner: Runner) -> None:
        """Check the training and the validation set."""
        self._check(runner, 'train', runner.train_dataloader)
        if runner.val_loop is not None:
            self._check(runner, 'val', runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Check the test set."""
        self._check(runner, 'test', runner.test_dataloader)

    @staticmethod
    def _check(runner: Runner, name: str, dataloader: Any) -> None:
        classes = _num_classes(unwrap(runner.model))
        if classes:
            check_dataset(dataloader.dataset, classes, name)


def _num_classes(classifier: Any) -> int | None:
    """Ask mmpretrain's head, or the network of timm or Hugging Face inside."""
    network = getattr(classifier, 'model', None)
    places = [
        (getattr(classifier, 'head', None), 'num_classes'),
        (network, 'num_classes'),
        (getattr(network, 'config', None), 'num_labels'),
    ]
    return next((getattr(owner, name) for owner, name in places if hasattr(owner, name)), None)
