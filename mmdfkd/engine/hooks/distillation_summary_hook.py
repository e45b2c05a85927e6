"""The teacher's accuracy next to the student's, and a summary at the end."""

import json
import sys
import time
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_world_size, is_main_process, master_only
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner
from rich.progress import track
from torch import Tensor

from mmdfkd.datasets import LabelDataset, LatentDataset, MemoryDataset
from mmdfkd.datasets.channel_order import warn_of_bgr
from mmdfkd.datasets.labels import check_dataset, check_images, check_labels
from mmdfkd.engine.sample_checks import check_samples
from mmdfkd.engine.work_dir import IMAGE_COUNTS
from mmdfkd.evaluation.run import bind
from mmdfkd.models.utils import unwrap
from mmdfkd.registry import HOOKS

from .synthetic_figures_hook import SyntheticFiguresHook


@HOOKS.register_module()
class DistillationSummaryHook(Hook):
    """Evaluate the teacher once, log it beside the student, sum the run up.

    It also checks, before the first iteration, that the labels to synthesise and
    the evaluation set have as many classes as the teacher, and leaves the counts of the
    student's images for the report.
    """

    priority = 'HIGH'  # after RuntimeInfoHook, before LoggerHook

    def __init__(self) -> None:
        self._student: dict[str, float] = {}
        self._teacher: dict[str, float] = {}

    def before_train(self, runner: Runner) -> None:
        """Check the class counts and evaluate the teacher on the validation set; warn at chance.

        Raises:
            ValueError: if a data set has other classes than the teacher.
        """
        self._start = time.time()
        model = unwrap(runner.model)
        if any(type(hook) is EMAHook for hook in runner.hooks):
            runner.logger.warning(
                'averages should be of the trained parts alone, but MMEngine’s EMAHook copies '
                'teacher and memory, too, into each checkpoint, and mixes generators that restart; '
                'take DistillerEMAHook with the same arguments'
            )
        check_dataset(runner.train_dataloader.dataset, model.num_classes, 'train')
        model.check_ready()
        _warn_of_lonely(runner, model)
        _warn_of_small_memory(runner, model)
        _leave_image_counts(runner, model)
        if runner.val_loop is not None:
            check_dataset(runner.val_dataloader.dataset, model.num_classes, 'val', _names(model))
            warn_of_bgr(runner.val_dataloader.dataset, 'val')
            self._evaluate_teacher(runner, runner.val_loop)
            self._warn_of_chance(runner, len(runner.val_dataloader.dataset), model.num_classes)
            if self._teacher:
                _check_best(runner, self._teacher)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Log the teacher's figures beside the student's."""
        self._student = dict(metrics or {})
        for name, value in self._teacher.items():
            if _is_number(value):
                runner.message_hub.update_scalar(f'val/teacher/{name}', value)

    def before_test(self, runner: Runner) -> None:
        """Check the test set's classes and evaluate the teacher on it."""
        model = unwrap(runner.model)
        check_dataset(runner.test_dataloader.dataset, model.num_classes, 'test', _names(model))
        warn_of_bgr(runner.test_dataloader.dataset, 'test')
        self._evaluate_teacher(runner, runner.test_loop)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Put the teacher's figures beside the student's, in the log and in what is returned."""
        if metrics and self._teacher:
            self._student = dict(metrics)
            metrics.update({f'teacher/{name}': value for name, value in self._teacher.items()})
            runner.logger.info('\n'.join(['Test', *self._comparison()]))

    @master_only
    def after_train(self, runner: Runner) -> None:
        """Log the summary."""
        model = unwrap(runner.model)
        lines = ['Distillation summary', *self._comparison()]
        minutes = (time.time() - self._start) / 60
        pictures = Path(runner.log_dir) / 'vis_data' / 'vis_image'
        lines += [
            f'rounds                  {runner.iter}',
            *([f'images in the memory    {len(model.memory)}'] if model.memory is not None else []),
            f'minutes                 {minutes:.1f} (since start or resume)',
            f'last checkpoint         {runner.message_hub.runtime_info.get("last_ckpt")}',
            f'pictures                {pictures}',
        ]
        runner.logger.info('\n'.join(lines))

    def _comparison(self) -> list[str]:
        lines = [f'{"":24}{"teacher":>10}{"student":>10}']
        for name, value in self._student.items():
            if _is_number(value):  # a list of classes or a matrix is no cell
                teacher = self._teacher.get(name)
                told = f'{teacher:.2f}' if _is_number(teacher) else ''
                lines.append(f'{name:24}{told:>10}{value:10.2f}')
        return lines

    def _evaluate_teacher(self, runner: Runner, loop) -> None:
        dataset = loop.dataloader.dataset
        if isinstance(dataset, LatentDataset | MemoryDataset):
            check_samples(runner, dataset)
            bind(loop.evaluator.metrics, runner.model)  # they compare with the teacher
        else:
            self._teacher = evaluate_teacher(runner, loop)
            self._report_teacher(runner)

    @master_only
    def _warn_of_chance(self, runner: Runner, num_images: int, num_classes: int) -> None:
        accuracy = self._teacher.get('accuracy/top1')
        chance = 100 / num_classes
        # Three standard deviations of what guesses get right.
        likely = chance + 3 * (chance * (100 - chance) / num_images) ** 0.5
        if accuracy is not None and accuracy < likely < 100:
            runner.logger.warning(
                f'the teacher should be better than chance, but has {accuracy:.2f} % of '
                f'{num_images} validation images right, and guesses of {num_classes} classes up to '
                f'{likely:.2f} %: a student cannot learn from it. Check its weights, the size of '
                'images, mean, std and to_rgb of data_preprocessor, and the order of the classes'
            )

    @master_only
    def _report_teacher(self, runner: Runner) -> None:
        numbers = {name: value for name, value in self._teacher.items() if _is_number(value)}
        figures = '  '.join(f'{name}: {value:.4f}' for name, value in numbers.items())
        runner.logger.info(f'Teacher  {figures}')


def _is_number(value: Any) -> bool:
    """Tell numbers, of numpy and torch as well, from what a metric gives besides."""
    single = getattr(value, 'ndim', 0) == 0
    return single and isinstance(value, Real | np.generic | Tensor)


def _names(model: Any) -> Any:
    return getattr(model.teacher, 'class_names', None)


def _warn_of_lonely(runner: Runner, model: Any) -> None:
    """Warn of a metric loss that no batch has a pair of one class for."""
    dataset = runner.train_dataloader.dataset
    size = (runner.train_dataloader.batch_size or 1) * get_world_size()
    if getattr(model, 'loss_metric', None) is None or not isinstance(dataset, LabelDataset):
        return
    labels = [int(dataset[index]['label']) for index in range(min(size, len(dataset)))]
    if len(set(labels)) == len(labels):
        runner.logger.warning(
            f'train_dataloader.batch_size should give loss_metric images of the same class, but a '
            f'batch of {size} for {model.num_classes} classes has none twice, and the loss is 0; '
            'raise it over the number of classes, or set samples_per_class=2 of the LabelDataset'
        )


def _warn_of_small_memory(runner: Runner, model: Any) -> None:
    """Warn of a memory that the images of one round do not fit in."""
    size = (runner.train_dataloader.batch_size or 1) * get_world_size()
    capacity = getattr(model.memory, 'capacity', size)
    if capacity < size:
        runner.logger.warning(
            f'model.memory.capacity should hold the images of a round at least, {size}, but is '
            f'{capacity}: the others are made for nothing; raise it'
        )


@master_only
def _leave_image_counts(runner: Runner, model: Any) -> None:
    """Write the (round, images) between which the count of the student's images grows evenly."""
    size = (runner.train_dataloader.batch_size or 1) * get_world_size()
    rounds = sorted({0, min(model.warmup_rounds, runner.max_iters), runner.max_iters})
    counts = [(number, model.num_images(number, size)) for number in rounds]
    Path(runner.log_dir, IMAGE_COUNTS).write_text(json.dumps(counts))


def _check_best(runner: Runner, figures: dict[str, Any]) -> None:
    """Raise a ValueError if the best checkpoint is to be chosen by a figure that there is not.

    MMEngine would miss it in the first validation. Figures of hooks may come in besides.
    """
    if any(isinstance(hook, SyntheticFiguresHook) for hook in runner.hooks):
        return
    for hook in runner.hooks:
        for name in getattr(hook, 'key_indicators', None) or ():
            if name != 'auto' and name not in figures:
                raise ValueError(
                    f'save_best of the checkpoint hook should be a figure of the validation, one '
                    f'of {sorted(figures)}, but got {name!r}; set it to one'
                )


@torch.no_grad()
def evaluate_teacher(runner: Runner, loop) -> dict[str, float]:
    """Evaluate the teacher with a validation or test loop's own data and metrics."""
    model = unwrap(runner.model)
    was_training = model.training
    model.eval()
    quiet = not (sys.stdout.isatty() and is_main_process())
    batches = track(loop.dataloader, 'evaluating the teacher', disable=quiet)
    for index, data_batch in enumerate(batches):
        if not index:
            check_images(data_batch, model.image_shape, 'evaluation')
        data = model.data_preprocessor(data_batch, False)
        samples = model.teacher.predict(data['inputs'], data['data_samples'])
        labels = [sample.get('gt_label') for sample in samples]
        if all(isinstance(label, Tensor) and label.numel() == 1 for label in labels):
            check_labels(torch.cat(labels).cpu(), model.num_classes, 'evaluation')
        loop.evaluator.process(data_samples=samples, data_batch=data_batch)
    metrics = loop.evaluator.evaluate(len(loop.dataloader.dataset))
    model.train(was_training)
    return metrics
