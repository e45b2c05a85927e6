"""A teacher, a student and the images that they take, found out from names and a file."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.models.classifiers import Classifier, part_of_teacher
from mmdfkd.models.utils import frozen
from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.models.utils.feature_maps import version_of
from mmdfkd.weights import find_weights

from .libraries import Found, find
from .smaller import NARROWER, SHALLOWER, smaller
from .weights import fit

_LEAST_SIDE = 4  # pixels of a map with a layout


@dataclass
class Images:
    """What both networks take; fields as of :class:`~.libraries.Found`."""

    channels: int
    size: int
    mean: list[float]
    std: list[float]
    swap: bool
    resize: float
    interpolation: str

    @property
    def dark(self) -> bool:
        """Whether most pixels are black, as those of digits: then std is over the mean."""
        return sum(self.std) > sum(self.mean)


@dataclass
class Pair:
    """What a config is written of.

    Args:
        teacher: config of its network.
        checkpoint: of its weights, or None if the network brings them.
        prefix: of the file's keys.
        student: config of its network.
        part: whether the student starts as a part of the teacher.
        num_classes: the teacher's.
        images: what both take.
        batch_norms: whether the teacher has any.
        layout_layers: of the teacher, whose maps tell where things are.
        parameters: of teacher and student.
    """

    teacher: dict[str, Any]
    checkpoint: str | None
    prefix: str
    student: dict[str, Any]
    part: bool
    num_classes: int
    images: Images
    batch_norms: bool
    layout_layers: list[str]
    parameters: tuple[int, int]


def find_pair(
    teacher: str,
    weights: str | None = None,
    student: str | None = None,
    image_size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    teacher_options: Mapping[str, Any] | None = None,
    student_options: Mapping[str, Any] | None = None,
) -> Pair:
    """Find out all that a config needs.

    Args:
        teacher: a name, as :func:`~.libraries.find` takes it.
        weights: path or URL of the teacher's weights; None takes its library's own.
        student: a name, or ``'shallower'`` for the teacher without some of its blocks, or
            ``'narrower'`` for half its channels; None takes the first of the two that there is.
            One whose layers are the teacher's, narrower or fewer, starts as a part of it.
        image_size: side of an image in pixels, where the library does not say it, or another.
        mean: in pixels of 0 to 255, one value a channel, RGB or grey; likewise.
        std: likewise.
        teacher_options: arguments of the teacher's network.
        student_options: of the student's.

    Raises:
        FileNotFoundError: if the weights are not there.
        ValueError: if something is not known and not given, or does not fit.
    """
    found, prefix = _find_teacher(teacher, weights, image_size, dict(teacher_options or {}))
    images = _images(found, image_size, mean, std)
    checkpoint = weights or found.checkpoint
    plain = deepcopy(found.network)
    if checkpoint is None:
        if found.pretrained is None:
            raise ValueError(f'--weights should be the file of {teacher}’s weights, but got none')
        found.network |= found.pretrained
    built = Classifier(found.network, checkpoint, prefix)
    # Noise about the middle: shapes are looked at, not values.
    inputs = torch.randn(2, images.channels, images.size, images.size)
    num_classes = _classes(built, inputs, teacher)
    if student in (None, SHALLOWER, NARROWER):
        if student_options:
            raise ValueError(
                f'--student-options should be with a --student of its own name, but got '
                f'{student or "none"}; give a name, or leave the options out'
            )
        config = smaller(student, plain, built, inputs, teacher)
    else:
        config = _named(student, num_classes, images, dict(student_options or {}))
    of_student = Classifier(deepcopy(config))
    return Pair(
        teacher=found.network,
        checkpoint=checkpoint,
        prefix=prefix,
        student=config,
        part=_is_part(built, of_student, inputs),
        num_classes=num_classes,
        images=images,
        batch_norms=bool(batch_norms(built)),
        layout_layers=layout_layers(built.network, inputs),
        parameters=(_count(built), _count(of_student)),
    )


def _find_teacher(
    name: str, weights: str | None, image_size: int | None, options: dict[str, Any]
) -> tuple[Found, str]:
    state = find_weights(read_checkpoint(weights), weights) if weights is not None else None
    errors = []
    for found in find(name, options):
        found.set_image_size(image_size)
        try:
            return found, '' if state is None else fit(found, state)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(' And '.join(errors))


def _named(name: str, num_classes: int, images: Images, options: dict[str, Any]) -> dict[str, Any]:
    found = next(find(name, options))
    found.set_classes(num_classes)
    if found.channels != images.channels:
        found.set_channels(images.channels)
    found.set_image_size(images.size)
    return found.network


def _images(
    found: Found, size: int | None, mean: Sequence[float] | None, std: Sequence[float] | None
) -> Images:
    same_size = size in (None, found.image_size)
    if found.swap:  # what is given is RGB; the network's own is BGR
        mean, std = (values and values[::-1] for values in (mean, std))
    size, mean, std = size or found.image_size, mean or found.mean, std or found.std
    for name, value in (('--image-size', size), ('--mean', mean), ('--std', std)):
        if value is None:
            raise ValueError(
                f'{name} should be given, as the network does not say it; mean and std are in '
                'pixels of 0 to 255, a value a channel'
            )
    assert size is not None
    assert mean is not None
    assert std is not None
    channels = len(mean) if found.library == 'own' else found.channels
    if channels not in (1, 3):
        raise ValueError(
            'images should have 3 channels (RGB) or 1 (grey), but the weights or --mean are of '
            f'{channels}; give a teacher of such images, and a value a channel'
        )
    for name, values in (('--mean', mean), ('--std', std)):
        if len(values) != channels:
            raise ValueError(
                f'{name} should have a value for each of the {channels} channels that the weights '
                f'are for, but got {[*values]}'
            )
    return Images(
        channels=channels,
        size=size,
        mean=[round(float(value), 4) for value in mean],
        std=[round(float(value), 4) for value in std],
        swap=found.swap,
        resize=found.resize if same_size else 1.0,
        interpolation=found.interpolation,
    )


def _classes(classifier: Classifier, inputs: Tensor, name: str) -> int:
    try:
        return classifier.probe(inputs).size(1)
    except (RuntimeError, AssertionError, IndexError, TypeError) as error:
        raise ValueError(
            f'{name} should take images of {tuple(inputs.shape[1:])}, but raised '
            f'{type(error).__name__}: {str(error)[:200]}; give another --image-size, or '
            '--mean and --std with a value a channel'
        ) from error


def _is_part(teacher: Classifier, student: Classifier, inputs: Tensor) -> bool:
    """Tell whether the student is the teacher's network, narrower or shallower."""
    student.eval()
    try:
        part_of_teacher(teacher.network, student.network, inputs)
    except (ValueError, RuntimeError):
        return False
    return True


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@torch.no_grad()
def layout_layers(network: nn.Module, inputs: Tensor) -> list[str]:
    """Name the two stages before the last one: their maps tell where things are.

    Of all modules with maps of one side the stage is the largest, by its parameters. One whose
    maps are changed in place is none to name.

    Args:
        network: a classifier; nothing of it is changed.
        inputs: images that it takes, (N, C, H, W).

    Returns:
        At most two names, of maps of at least 4 pixels a side, the larger maps first.
    """
    stages: dict[int, tuple[int, str, Tensor, int | None]] = {}

    def watch(name: str) -> Any:
        def look(module: nn.Module, args: tuple, output: Any) -> None:
            if isinstance(output, Tensor) and output.dim() == 4:
                side, size = min(output.shape[2:]), _count(module)
                if size and size >= stages.get(side, (0,))[0]:
                    stages[side] = size, name, output, version_of(output)

        return look

    handles = [m.register_forward_hook(watch(n)) for n, m in network.named_modules() if n]
    try:
        with frozen(network) as quiet:
            quiet(inputs)
    finally:
        for handle in handles:
            handle.remove()
    sides = sorted(stages, reverse=True)[:-1]
    large = [stages[side] for side in sides if side >= _LEAST_SIDE]
    return [name for _, name, maps, version in large if version_of(maps) == version][-2:]
