"""Pictures of what the generator makes, over time, beside real ones."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import MLflowVisBackend
from torch import Tensor

from mmdfkd.checks import check_not_negative, check_positive
from mmdfkd.datasets.labels import class_names, first_of_each
from mmdfkd.engine.class_grid import CLASS_NAMES, class_grid
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS

_OF_SHORT_RUNS = 4  # grids


@HOOKS.register_module()
class SyntheticGridHook(Hook):
    """Show a grid of synthetic images through the Runner's visualizer, as ``synthetic``.

    A row is a class, with its name: the class that was asked for, or, where none was, the class
    that the teacher sees, and the rows are the most frequent of these. A generator's latents stay
    the same all run long. A method without one, or one that fits it anew to each round's latents,
    shows its newest images. Of the validation set, where it has images, the same is shown once, as
    ``real``. The names are left beside the log, for the report.

    Args:
        interval: iterations between two grids; a run that is no longer has four grids at most.
        num_classes: rows, at most the generator's classes.
        num_latents: columns.
        seed: of the latents.

    Raises:
        ValueError: if a number is out of range.
    """

    priority = 'NORMAL'

    def __init__(
        self, interval: int = 500, num_classes: int = 10, num_latents: int = 10, seed: int = 0
    ) -> None:
        check_positive(interval=interval, num_classes=num_classes, num_latents=num_latents)
        check_not_negative(seed=seed)
        self.interval = interval
        self.num_classes = num_classes
        self.num_latents = num_latents
        self.seed = seed

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Name the classes, and show real images of them."""
        model = unwrap(runner.model)
        dataset = None if runner.val_loop is None else runner.val_dataloader.dataset
        self._names = class_names(model.teacher, dataset, model.num_classes)
        Path(runner.log_dir, CLASS_NAMES).write_text(json.dumps(self._names))
        classes = range(min(self.num_classes, model.num_classes))
        found = dataset and first_of_each(dataset, classes, self.num_latents)
        if found:
            self._show(runner, 'real', self._picture(*found, classes), 0)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Add a grid at every ``interval`` and after the last iteration."""
        rounds = runner.max_iters
        interval = self.interval if self.interval < rounds else math.ceil(rounds / _OF_SHORT_RUNS)
        if self.every_n_train_iters(runner, interval) or self.is_last_train_iter(runner):
            self._add_grid(runner)

    @master_only
    @torch.no_grad()
    def _add_grid(self, runner: Runner) -> None:
        model = unwrap(runner.model)
        rows = min(self.num_classes, model.num_classes)
        images = model.preview(rows * self.num_latents, rows, self.seed)
        if model.conditional:
            labels = torch.arange(rows).repeat_interleave(self.num_latents)
        else:
            labels = model.teacher(model.normalize(images)).logits.argmax(1).cpu()
        counts = labels.bincount(minlength=model.num_classes)
        classes = counts.argsort(descending=True, stable=True)[:rows].sort().values.tolist()
        self._show(runner, 'synthetic', self._picture(images, labels, classes), runner.iter + 1)

    def _picture(self, images: Tensor, labels: Tensor, classes: Any) -> np.ndarray:
        return class_grid(images, labels, classes, self._names, self.num_latents)

    @staticmethod
    def _show(runner: Runner, name: str, picture: np.ndarray, step: int) -> None:
        for backend in runner.visualizer._vis_backends.values():
            # MMEngine hands MLflow the name as that of a file, which wants an ending.
            of_file = isinstance(backend, MLflowVisBackend)
            backend.add_image(f'{name}_{step}.png' if of_file else name, picture, step=step)
