"""The config of a pair as a file that a user reads, edits and runs again."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdfkd.config_tools.python_code import Name, code

from .pair import Images, Pair
from .recipe import Recipe

_TITLE = '"""A teacher distilled without its data; written by mmdfkd distill.'


def is_written(file: Path) -> bool:
    """Tell whether a file is a config that :func:`config_text` made, edited or not."""
    return file.read_bytes().startswith(_TITLE.encode())


def _assign(target: str, value: Any) -> str:
    return f'{target} = {code(value, before=len(target) + 3)}'


def _update(target: str, **values: Any) -> str:
    written = code(values, before=len(target) + len('.update(') - len('dict('))
    return f'{target}.update({written.removeprefix("dict(")}'


def config_text(pair: Pair, recipe: Recipe, command: str, test: str | None = None) -> str:
    """Return the text of a config.

    Args:
        pair: teacher, student and their images.
        recipe: numbers that follow from these.
        command: what was typed, in one line; it is told at the top.
        test: a folder of test images, a folder a class; without it student and teacher are
            compared on synthetic images.
    """
    sections = [
        _head(pair, recipe, command, test),
        _images(pair.images),
        _networks(pair, recipe),
        _length(recipe, pair.num_classes),
        _evaluation(pair, recipe, test),
    ]
    return '\n\n'.join('\n'.join(lines) for lines in sections) + '\n'


def _head(pair: Pair, recipe: Recipe, command: str, test: str | None) -> list[str]:
    others = ['RandomErase', 'RandomSymmetry'] if pair.images.dark else ['ShiftFlip']
    used = [] if pair.batch_norms else ['RandomAffine', *others]
    lines = [
        f'{_TITLE} It is yours to edit.',
        '',
        'Run it again: mmdfkd train THIS_FILE --work-dir ANOTHER_FOLDER',
        '"""',
        '',
        f'# {command}',
        'from mmengine.config import read_base',
    ]
    if test:
        colours = 'NumpyToPIL, PackInputs, PILToNumpy' if pair.images.channels > 1 else 'PackInputs'
        lines += [
            'from mmcv.transforms import LoadImageFromFile',
            'from mmengine.dataset import DefaultSampler',
            f'from mmpretrain.datasets import CenterCrop, {colours}, {_resizer(pair.images)}',
            'from mmpretrain.evaluation import Accuracy',
        ]
    lines += ['from mmpretrain.models import ClsDataPreprocessor', '']
    datasets = ['ImageFolder'] if test else [] if recipe.lasts else ['MemoryDataset']
    lines += [f'from mmdfkd.datasets import {name}' for name in datasets]
    lines += ['from mmdfkd.models.classifiers import Classifier']
    lines += [f'from mmdfkd.models.utils import {", ".join(used)}'] * bool(used)
    bases = [recipe.base] if test else [recipe.base, 'datasets.data_free_validation']
    return [
        *lines,
        '',
        'with read_base():  # the recipe: losses, optimisers, schedules, hooks',
        *(f'    from mmdfkd.configs._base_.{name} import *' for name in bases),
    ]


def _images(images: Images) -> list[str]:
    preprocessor = dict(
        type=Name('ClsDataPreprocessor'), mean=images.mean, std=images.std, to_rgb=images.swap
    )
    order = ', BGR as the networks take them' if images.swap else ''
    return [
        f'# Mean and std in pixels of 0 to 255{order}.',
        '# Images are RGB; to_rgb=True swaps them to BGR, before mean and std.',
        _assign("data_preprocessor = model['data_preprocessor']", preprocessor),
    ]


def _networks(pair: Pair, recipe: Recipe) -> list[str]:
    teacher: dict[str, Any] = dict(type=Name('Classifier'), network=pair.teacher)
    if pair.checkpoint is not None:
        teacher |= dict(checkpoint=pair.checkpoint)
    if pair.prefix:
        teacher |= dict(prefix=pair.prefix)
    if pair.key is not None:
        teacher |= dict(key=pair.key)
    student: dict[str, Any] = dict(type=Name('Classifier'), network=pair.student)
    if pair.part:
        student |= dict(init_from_teacher=True)
    generator: dict[str, Any] = dict(
        num_classes=pair.num_classes, image_size=pair.images.size, out_channels=pair.images.channels
    )
    if recipe.lasts:
        generator |= dict(median_pixel=127.5, base_channels=32)
    lines = [
        f'# {pair.parameters[0]:,} parameters, and {pair.parameters[1]:,} of the student.',
        _assign("model['teacher']", teacher),
        _assign("model['student']", student),
        _update("model['generator']", **generator),
    ]
    if pair.batch_norms and pair.layout_layers:
        lines += [_update('model', layout_layers=pair.layout_layers)]
    elif pair.batch_norms:
        lines += [_update('model', loss_layout=None)]
    return lines + _augment(pair)


def _augment(pair: Pair) -> list[str]:
    side = pair.images.size
    if pair.batch_norms:
        return [_update("model['augment']", pad=max(1, side // 8))]
    affine = dict(type=Name('RandomAffine'), shift=4.0 * side / 32, degrees=15.0, scale=0.15)
    if pair.images.dark:
        affine |= dict(stretch=1.35)
        erase = dict(type=Name('RandomErase'), probability=0.5, fill=0.0)
        symmetry = dict(type=Name('RandomSymmetry'), probability=0.5)
        return [_assign("model['augment']", [affine, erase, symmetry])]
    # A mirrored digit or letter is another one, and grey images may be of those.
    shift = dict(type=Name('ShiftFlip'), pad=max(1, side // 8), flip=pair.images.channels > 1)
    affine |= dict(shift=2.0 * side / 32, scale=0.2)
    return [_assign("model['augment']", [shift, affine])]


def _length(recipe: Recipe, num_classes: int) -> list[str]:
    labels: dict[str, Any] = dict(num_classes=num_classes, length=recipe.labels)
    if recipe.samples_per_class > 1:
        labels |= dict(samples_per_class=recipe.samples_per_class)
    lines = [
        f'rounds = {recipe.rounds}',
        f'batch_size = {recipe.batch_size}  # images a round',
        'train_cfg.update(max_iters=rounds, val_interval=max(1, rounds // 12))',
        'train_dataloader.update(batch_size=batch_size)',
        _update("train_dataloader['dataset']", **labels),
        'model.update(kd_batch_size=batch_size)',
        'auto_scale_lr = dict(base_batch_size=batch_size)',
        f"model['memory'].update(capacity={recipe.capacity})  # images of 8 bits",
    ]
    if not recipe.lasts:
        lines += [
            f'warmup = {recipe.warmup}  # rounds without the adversary, in which the student waits',
            'model.update(warmup_rounds=warmup)',
            "param_scheduler['student'][0].update(begin=warmup)",
        ]
    else:
        lines += [
            f'restart = {recipe.restart}  # rounds of one generator',
            "param_scheduler['generator'][0].update(period=restart)",
            "default_hooks['generator_restart'].update(interval=restart)",
        ]
    return [
        *lines,
        'every = max(1, min(10, rounds // 10))  # rounds of a line in the log',
        "default_hooks['logger'].update(interval=every)",
        'log_processor.update(window_size=every)',
        "default_hooks['checkpoint'].update(interval=max(1, rounds // 24))",
        "default_hooks['synthetic_grid'].update(interval=max(1, rounds // 6))",
    ]


def _evaluation(pair: Pair, recipe: Recipe, test: str | None) -> list[str]:
    if test is None and not recipe.lasts:
        first = Name('min(2000, batch_size * max(1, rounds // 12))')
        images = dict(type=Name('MemoryDataset'), length=first)
        return [
            "# No real image: student and teacher are compared on the run's first images.",
            _assign("val_dataloader['dataset']", images),
        ]
    if test is None:
        latents = dict(num_classes=pair.num_classes, latent_dim=100)
        return [
            '# No real image: student and teacher are compared on images of held-out latents.',
            _update("val_dataloader['dataset']", **latents),
        ]
    dataset = dict(type=Name('ImageFolder'), data_root=test, pipeline=_pipeline(pair.images))
    if (names := _names_of_folders(test, pair.class_names)) is not None:
        dataset['classes'] = names
    loader = dict(
        batch_size=100,
        num_workers=min(2, _cores()),
        persistent_workers=True,
        dataset=dataset,
        sampler=dict(type=Name('DefaultSampler'), shuffle=False),
    )
    return [
        '# Real images, to measure with and no more; classes are the folders, sorted.',
        _assign('val_dataloader = test_dataloader', loader),
        _assign('val_evaluator = test_evaluator', dict(type=Name('Accuracy'))),
        'val_cfg = test_cfg = dict()',
    ]


def _names_of_folders(place: str, classes: Sequence[str] | None) -> list[str] | None:
    """Return the teacher's ``classes`` if they are the folders of ``place``; they order these."""
    folders = {path.name for path in Path(place).glob('[!.]*') if path.is_dir()}
    return list(classes) if classes and {*classes} == folders else None


def _cores() -> int:
    """Return how many cores this process may use: torch warns of more workers."""
    if hasattr(os, 'sched_getaffinity'):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _resizer(images: Images) -> str:
    return 'Resize' if images.squash else 'ResizeEdge'


def _pipeline(images: Images) -> list[dict]:
    load: list[dict[str, Any]] = [dict(type=Name('LoadImageFromFile'))]
    if images.channels == 1:
        load[0]['color_type'] = 'grayscale'
    else:  # files are read as BGR
        load += [dict(type=Name('NumpyToPIL'), to_rgb=True), dict(type=Name('PILToNumpy'))]
    resize = dict(
        type=Name(_resizer(images)),
        scale=round(images.size * images.resize),
        backend='pillow',
        interpolation=images.interpolation,
    )
    if not images.squash:
        resize['edge'] = 'short'
    crop = dict(type=Name('CenterCrop'), crop_size=images.size)
    return [*load, resize, crop, dict(type=Name('PackInputs'))]
