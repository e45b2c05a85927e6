"""Building a distiller of parts that fit, and one of them anew."""

from typing import Any

from mmengine.dist import broadcast
from mmengine.model import BaseModule
from torch import nn

from mmdfkd.checks import check_not_negative, check_positive, check_range
from mmdfkd.models.generators.sizes import sides
from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.registry import MODELS

__all__ = [
    'RANGES',
    'build',
    'check_absent',
    'check_batch_norms',
    'check_classifiers',
    'check_config',
    'check_generator',
    'check_image_shape',
    'check_memory',
    'check_not_negative',
    'check_parts',
    'check_positive',
    'image_shape_of',
    'start_anew',
    'take_rank_0s',
]

#: What numbers of a loss may be, whichever loss it is.
RANGES = {
    'loss_weight': '[0, inf)',
    'first_bn_multiplier': '[0, inf)',
}


def build(part: dict | nn.Module | None) -> Any:
    """Build a part from its config; a module or None stays as it is.

    Raises:
        ValueError: if it is neither, or one of its numbers is out of :data:`RANGES`.
    """
    if part is not None and not isinstance(part, dict | nn.Module):
        raise ValueError(
            f'a part of a method should be a config or a module, but got {part!r}; give '
            'dict(type=...), or None where it may be left out'
        )
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


def image_shape_of(generator: Any) -> tuple[int, int, int]:
    """Return the (channels, height, width) of what a generator says that it makes."""
    return (generator.out_channels, *sides(generator.image_size))


def check_image_shape(image_shape: Any) -> None:
    """Raise a ValueError if ``image_shape`` is no (channels, height, width) of RGB or grey."""
    three = image_shape if isinstance(image_shape, list | tuple) else ()
    if len(three) != 3:
        raise ValueError(
            f'image_shape should be (channels, height, width), but got {image_shape!r}'
        )
    check_positive(**{f'image_shape[{index}]': side for index, side in enumerate(three)})
    if three[0] not in (1, 3):
        raise ValueError(
            f'image_shape should have 3 channels (RGB) or 1 (grey), but got {image_shape!r}; give '
            'networks of such images'
        )


def check_classifiers(**parts: Any) -> None:
    """Raise a ValueError if a teacher or student is no :class:`Classifier`, nor like one."""
    for name, part in parts.items():
        if not all(hasattr(part, each) for each in ('has_weights', 'num_classes', 'checkpoint')):
            got = 'None' if part is None else type(part).__name__
            raise ValueError(
                f'{name} should be a Classifier around your network, but got {got}; give '
                'dict(type=Classifier, network=dict(type=...), ...)'
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


def check_no_warmup(distiller: Any) -> None:
    """Raise a ValueError if the student should wait: the generator has nothing else to learn."""
    if distiller.warmup_rounds:
        raise ValueError(
            f'warmup_rounds should be 0 for {type(distiller).__name__}, whose generator learns '
            f'from the student alone, but got {distiller.warmup_rounds}; leave it out'
        )


def check_memory(distiller: Any) -> None:
    """Raise a ValueError if the distiller has no memory: its student learns from nothing else."""
    if distiller.memory is None:
        raise ValueError(
            f'memory should be the config of one for {type(distiller).__name__}, but got None; '
            'give dict(type=ImageMemory, capacity=...)'
        )


def check_config(generator: Any, why: str) -> None:
    """Raise a TypeError if the generator came as a module: nothing says how to build another."""
    if not isinstance(generator, dict):
        raise TypeError(
            f'generator should be a config for {why}, but got a module; give the '
            'distiller its config'
        )


def check_generator(generator: Any, *more: str) -> None:
    """Raise a ValueError if the generator does not say what it makes, and of what.

    Args:
        generator: the network.
        *more: attributes that this method needs as well.
    """
    needed = ('latent_dim', 'image_size', 'out_channels', 'conditional', *more)
    missing = [name for name in needed if not hasattr(generator, name)]
    if missing:
        raise ValueError(
            f'a generator should have the attributes {needed}, but {type(generator).__name__} '
            f'has no {missing}; set them in its constructor'
        )
    if 'draw_noise' not in more and hasattr(generator, 'draw_noise'):
        raise ValueError(
            'generator should make images of latents and labels for this method, but '
            f'{type(generator).__name__} makes them of labels and drawn noise, for NAYER; give a '
            'ConditionalGenerator or an UnconditionalGenerator'
        )


def check_conditional(distiller: Any) -> None:
    """Raise a ValueError if there is a class condition for a generator that ignores labels.

    With ``fixed_latents`` it may: each latent of a round then learns its label.
    """
    network = distiller.generator
    if distiller.loss_ce is not None and not (network.conditional or distiller.fixed_latents):
        raise ValueError(
            f'loss_ce should have a generator that is told the class, but {type(network).__name__} '
            'ignores labels; give a ConditionalGenerator'
        )


def check_batch_norms(teacher: Any, loss_bn: Any, needed: bool = False) -> None:
    """Raise a ValueError if there is a BN statistics loss and the teacher has no batch norm.

    Args:
        teacher: the classifier.
        loss_bn: the loss, or None.
        needed: the method has no form without the loss.
    """
    if needed and loss_bn is None:
        raise ValueError(
            'loss_bn should be the config of a loss, but got None; this method needs one'
        )
    if loss_bn is not None and not batch_norms(teacher):
        instead = (
            'take a method that needs none (docs/methods.md)'
            if needed
            else 'set loss_bn=None (and give loss_act, say)'
        )
        raise ValueError(
            'the teacher should have batch norms for loss_bn, but got '
            f'{type(teacher.network).__name__} without any; {instead} for this teacher'
        )


def start_anew(part: nn.Module, config: Any, layer: str = '') -> None:
    """Give ``part``, or its ``layer`` alone, the weights of a newly built one, on every rank."""
    fresh = build(config)
    if isinstance(fresh, BaseModule):
        fresh._dump_init_info = lambda: None  # the log has it of the first one
        fresh.init_weights()  # as the Runner does with that
    part = part.get_submodule(layer)
    part.load_state_dict(fresh.get_submodule(layer).state_dict())
    take_rank_0s(part)


def take_rank_0s(part: nn.Module) -> None:
    """Copy rank 0's weights and buffers to ``part``: the ranks have drawn different ones."""
    for value in [*part.parameters(), *part.buffers()]:
        broadcast(value.detach())
