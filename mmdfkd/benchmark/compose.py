"""One method on another pair: any config of a distillation gives either."""

import inspect
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config, ConfigDict

from mmdfkd.models.generators.sizes import sides
from mmdfkd.registry import MODELS

#: What a pair brings besides its networks: how they are evaluated.
_EVALUATION = tuple(
    f'{split}_{part}' for split in ('val', 'test') for part in ('dataloader', 'evaluator', 'cfg')
)


def image_shape(cfg: Config) -> tuple[int, int, int]:
    """Return (channels, height, width) of the images that a distillation's config makes."""
    if 'image_shape' in cfg.model:
        return tuple(cfg.model.image_shape)
    generator = cfg.model.generator
    channels, size = (_argument(generator, name) for name in ('out_channels', 'image_size'))
    return (channels, *sides(size))


def _argument(part: ConfigDict, name: str) -> Any:
    """Return what a part's config gives, or its class has by default."""
    if name in part:
        return part[name]
    return _parameters(part)[name].default


def _parameters(part: ConfigDict) -> Mapping[str, inspect.Parameter]:
    kind = MODELS.get(part.type) if isinstance(part.type, str) else part.type
    return inspect.signature(kind).parameters


def compose(method: Config, pair: Config) -> Config:
    """Put the networks and data of ``pair`` into the config of ``method``.

    Of ``pair`` are teacher, student, data preprocessor, the names of the teacher's stages where
    both have them (``layout_layers``), the images' shape, the classes, the evaluation, for a
    metric loss how many labels of a class come in a row (``samples_per_class``, where the pair
    sets it) and, where the method augments, the augmentation: whether a mirrored image is one of
    the class depends on the data. Of both are ``custom_imports``. All else is the method's:
    losses, optimisers, schedules, numbers of steps.

    Args:
        method: config of a distillation by the method, on whatever pair.
        pair: config of a distillation of the pair, by whatever method.

    Returns:
        A config of its own.

    Raises:
        ValueError: if one of them is no distillation's config.
    """
    for name, cfg in (('method', method), ('pair', pair)):
        if not {'teacher', 'student'} <= set(cfg.get('model', {})):
            raise ValueError(
                f'the {name} should be the config of a distillation, with a teacher and a student, '
                f'but got {cfg.filename}'
            )
    cfg = deepcopy(method)
    for name in ('teacher', 'student', 'data_preprocessor'):
        cfg.model[name] = deepcopy(pair.model[name])
    if cfg.model.get('augment') and pair.model.get('augment'):
        cfg.model.augment = deepcopy(pair.model.augment)
    if cfg.model.get('layout_layers') and pair.model.get('layout_layers'):
        cfg.model.layout_layers = list(pair.model.layout_layers)
    if 'image_shape' in cfg.model:
        cfg.model.image_shape = image_shape(pair)
    if 'generator' in cfg.model:
        _fit_generator(cfg.model.generator, pair)
    labels, of_pair = cfg.train_dataloader.dataset, pair.train_dataloader.dataset
    labels.num_classes = of_pair.num_classes
    if 'samples_per_class' in of_pair and cfg.model.get('loss_metric'):
        labels.samples_per_class = of_pair.samples_per_class
    for name in _EVALUATION:
        cfg[name] = deepcopy(pair.get(name))
    _import_both(cfg, pair)
    return cfg


def _import_both(cfg: Config, pair: Config) -> None:
    both = [each.custom_imports for each in (cfg, pair) if each.get('custom_imports')]
    names = [[e['imports']] if isinstance(e['imports'], str) else e['imports'] for e in both]
    if both:
        cfg.custom_imports = dict(
            imports=list(dict.fromkeys(name for each in names for name in each)),
            allow_failed_imports=all(each.get('allow_failed_imports', False) for each in both),
        )


def _fit_generator(generator: ConfigDict, pair: Config) -> None:
    channels, height, width = image_shape(pair)
    size = height if height == width else (height, width)
    generator.update(out_channels=channels, image_size=size)
    if 'num_classes' in generator:
        generator.num_classes = pair.train_dataloader.dataset.num_classes
    given: dict[str, Any] = pair.model.get('generator', {})
    generator.pop('median_pixel', None)  # as dark as the pair's images are
    if 'median_pixel' in given and 'median_pixel' in _parameters(generator):
        generator.median_pixel = given['median_pixel']
