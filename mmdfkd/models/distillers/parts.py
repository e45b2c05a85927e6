"""Building a distiller of parts that fit, and one of them anew."""

from typing import Any

from mmengine.dist import broadcast
from mmengine.model import BaseModule
from torch import nn

from mmdfkd.checks import check_not_negative, check_positive, check_range
from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.registry import MODELS

__all__ = [
    'RANGES',
    'build',
    'check_absent',
    'check_batch_norms',
    'check_generator',
    'check_not_negative',
    'check_parts',
    'check_positive',
    'start_anew',
]

#: What numbers of a loss may be, whichever loss it is.
RANGES = {
    'loss_weight': '[0, inf)',
    'temperature': '[0.001, 1000]',
    'first_bn_multiplier': '[0, inf)',
}


def build(part: dict | nn.Module | None) -> Any:
    """Build a part from its config; a module or None stays as it is.

    Raises:
        ValueError: if one of its numbers is out of :data:`RANGES`.
    """
    built = MODELS.build(part) if isinstance(part, dict) else part
    for name, interval in RANGES.items():
        if hasattr(built, name):
            check_range(interval, **{f'{name} of {type(built).__name__}': getattr(built, name)})
    return built


def check_parts(teacher: Any, **others: Any) -> None:
    """Raise a ValueError if the teacher has no weights or the numbers of classes differ.

    A network without ``num_classes``, an unconditional generator, fits any number.
    """
    if not teacher.has_weights:
        raise ValueError(
            'the teacher should have trained weights, but got checkpoint=None; set '
            'model.teacher.checkpoint to a path or URL (or pretrained=True of a timm network, with '
            'the number of classes that it was trained on)'
        )
    if getattr(teacher, 'unfit', ''):
        raise ValueError(
            f'the teacher should have trained weights throughout, but {teacher.unfit}; train it on '
            'your classes and set model.teacher.checkpoint to its weights'
        )
    expected = teacher.num_classes
    counts = {name: getattr(part, 'num_classes', expected) for name, part in others.items()}
    if not set(counts.values()) <= {expected}:
        raise ValueError(
            f'teacher, student and generator should have as many classes, but got '
            f'{dict(teacher=expected, **counts)}; set num_classes of each to the teacher’s'
        )


def check_absent(distiller: Any, why: str, **parts: Any) -> None:
    """Raise a ValueError naming the first of ``parts`` that is there: the method has no use for it.

    Args:
        distiller: the method.
        why: what its student learns from, for the error.
        **parts: what the user gave, by the argument's name.
    """
    for name, part in parts.items():
        if part is not None:
            raise ValueError(
                f'{name} should be None for {type(distiller).__name__}, whose student learns from '
                f'{why}, but got {type(part).__name__}; leave it out'
            )


def check_generator(generator: Any) -> None:
    """Raise a ValueError if the generator does not say what it makes, and of what."""
    needed = ('latent_dim', 'image_size', 'out_channels', 'conditional')
    missing = [name for name in needed if not hasattr(generator, name)]
    if missing:
        raise ValueError(
            f'a generator should have the attributes {needed}, but {type(generator).__name__} '
            f'has no {missing}; set them in its constructor'
        )


def check_batch_norms(teacher: Any, loss_bn: Any) -> None:
    """Raise a ValueError if there is a BN statistics loss and the teacher has no batch norm."""
    if loss_bn is not None and not batch_norms(teacher):
        raise ValueError(
            'the teacher should have batch norms for loss_bn, but got '
            f'{type(teacher.network).__name__} without any; set loss_bn=None '
            '(and give loss_act, say) for this teacher'
        )


def start_anew(part: nn.Module, config: Any, layer: str = '') -> None:
    """Give ``part``, or its ``layer`` alone, the weights of a newly built one, on every rank."""
    fresh = build(config)
    if isinstance(fresh, BaseModule):
        fresh.init_weights()  # as the Runner does with the first one
    part = part.get_submodule(layer)
    part.load_state_dict(fresh.get_submodule(layer).state_dict())
    for value in [*part.parameters(), *part.buffers()]:
        broadcast(value.detach())
