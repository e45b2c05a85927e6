"""A teacher, a student and the images that they take, found out from names and a file."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.checkpoint_files import read_checkpoint
from mmdfkd.models.classifiers import Classifier, part_of_teacher
from mmdfkd.models.classifiers.brought import drop_weights
from mmdfkd.models.classifiers.probe import MISFITS
from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.models.utils.feature_maps import version_of
from mmdfkd.models.utils.watching import pass_watched
from mmdfkd.weights import find_weights

from .images import Images, find_images
from .libraries import Found, find
from .smaller import NARROWER, SHALLOWER, num_parameters, smaller
from .weights import fit

_LEAST_SIDE = 4  # pixels of a map with a layout


@dataclass
class Pair:
    """What a config is written of.

    Args:
        teacher: config of its network.
        checkpoint: of its weights, or None if the network brings them.
        prefix: of the file's keys.
        key: the file's entry with the weights, or None for the one that there is.
        student: config of its network.
        part: whether the student starts as a part of the teacher.
        num_classes: the teacher's.
        class_names: likewise, where the file or the network says them.
        images: what both take.
        batch_norms: whether the teacher has any.
        layout_layers: of the teacher, whose maps tell where things are.
        parameters: of teacher and student.
    """

    teacher: dict[str, Any]
    checkpoint: str | None
    prefix: str
    key: str | None
    student: dict[str, Any]
    part: bool
    num_classes: int
    class_names: tuple[str, ...] | None
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
    *,
    key: str | None = None,
    prefix: str | None = None,
    dark: bool | None = None,
) -> Pair:
    """Find out all that a config needs.

    Args:
        teacher: a name, as :func:`~.libraries.find` takes it.
        weights: path or URL of the teacher's weights; None takes its library's own.
        student: a name, or ``'shallower'`` for the teacher without some of its blocks, or
            ``'narrower'`` for half its channels; None chooses, as :func:`~.smaller.smaller` says.
            One whose layers are the teacher's, narrower or fewer, starts as a part of it, unless
            its options bring weights.
        image_size: side of an image in pixels, where the library does not say it, or another.
        mean: in pixels of 0 to 255, one value a channel, RGB or grey; likewise.
        std: likewise.
        teacher_options: arguments of the teacher's network.
        student_options: of the student's.
        key: the entry of the file with the weights, where it has several.
        prefix: of the weights' keys, where the file has several such networks.
        dark: whether most pixels are black, which the recipe of a teacher without batch norms
            asks; None tells it by mean and std.

    Raises:
        FileNotFoundError: if the weights are not there.
        ValueError: if something is not known and not given, or does not fit.
    """
    state = _read(weights, key, prefix)
    found, prefix = _find_teacher(teacher, state, image_size, dict(teacher_options or {}), prefix)
    images = find_images(found, image_size, mean, std, dark)
    checkpoint = weights or found.checkpoint
    plain = deepcopy(found.network)
    if checkpoint is None:
        found.network |= _pretrained(found, teacher)
    built = Classifier(found.network, checkpoint, prefix, key=key)
    # Noise about the middle: shapes are looked at, not values.
    inputs = torch.randn(2, images.channels, images.size, images.size)
    num_classes = _classes(built, inputs, teacher)
    with_norms = bool(batch_norms(built))
    _check_dark(images.dark, dark is not None, with_norms)
    if student in (None, SHALLOWER, NARROWER):
        _check_no_options(student, student_options)
        config = smaller(student, plain, built, inputs, teacher)
    else:
        config = _named(student, num_classes, images, dict(student_options or {}))
    of_student = Classifier(deepcopy(config))
    return Pair(
        teacher=found.network,
        checkpoint=checkpoint,
        prefix=prefix,
        key=key,
        student=config,
        part=not of_student.given_weights and _is_part(built, of_student, inputs),
        num_classes=num_classes,
        class_names=built.class_names,
        images=images,
        batch_norms=with_norms,
        layout_layers=layout_layers(built.network, inputs),
        parameters=(num_parameters(built), num_parameters(of_student)),
    )


def _read(weights: str | None, key: str | None, prefix: str | None) -> dict[str, Tensor] | None:
    if weights is not None:
        return find_weights(read_checkpoint(weights), weights, key)
    if key is not None or prefix is not None:
        raise ValueError('--key and --prefix should be with --weights, whose file they are about')
    return None


def _find_teacher(
    name: str,
    state: dict[str, Tensor] | None,
    image_size: int | None,
    options: dict[str, Any],
    prefix: str | None,
) -> tuple[Found, str]:
    errors = []
    for found in find(name, options):
        if found.library == 'mmpretrain':
            # What it was fine-tuned from; a copy of it would not start from the teacher.
            drop_weights(found.network)
        found.set_image_size(image_size)
        try:
            prefix_found = '' if state is None else fit(found, state, prefix)
            _check_kept(found, options, '--teacher-options', 'the weights and --image-size')
            return found, prefix_found
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(' And '.join(errors))


def _check_kept(found: Found, options: dict[str, Any], name: str, others: str) -> None:
    """Raise a ValueError if an option has been replaced by what others ask."""
    fitted = deepcopy(found.network)
    found.set_options(options)
    if found.network != fitted:
        raise ValueError(
            f'{name} should agree with {others}, but got {options}; leave out the one that says '
            'otherwise'
        )


def _pretrained(found: Found, name: str) -> dict[str, Any]:
    if found.pretrained is None:
        raise ValueError(f'--weights should be the file of {name}’s weights, but got none')
    return found.pretrained


def _check_no_options(student: str | None, options: Mapping[str, Any] | None) -> None:
    if options:
        raise ValueError(
            f'--student-options should be with a --student of its own name, but got '
            f'{student or "none"}; give a name, or leave the options out'
        )


def _named(name: str, num_classes: int, images: Images, options: dict[str, Any]) -> dict[str, Any]:
    found = next(find(name, options))
    found.set_classes(num_classes)
    if found.channels != images.channels:
        found.set_channels(images.channels)
    found.set_image_size(images.size)
    size = f'{images.channels} x {images.size} x {images.size}'
    others = f'the teacher’s {num_classes} classes, and images of {size}'
    _check_kept(found, options, '--student-options', others)
    return found.network


def _classes(classifier: Classifier, inputs: Tensor, name: str) -> int:
    try:
        return classifier.probe(inputs).size(1)
    except MISFITS as error:
        raise ValueError(
            f'{name} should take images of {tuple(inputs.shape[1:])}, but raised '
            f'{type(error).__name__}: {str(error)[:200]}; give another --image-size, or '
            '--mean and --std with a value a channel'
        ) from error


def _check_dark(dark: bool | None, given: bool, with_norms: bool) -> None:
    if given and with_norms:
        raise ValueError(
            '--dark and --no-dark should be with a teacher without batch norms, but this one has '
            'some, and they say how its images are; leave the option out'
        )
    if dark is None and not with_norms:
        raise ValueError(
            '--dark or --no-dark should be given, as mean and std do not say whether most pixels '
            'are black, as those of digits are, and the teacher has no batch norms to tell it'
        )


def _is_part(teacher: Classifier, student: Classifier, inputs: Tensor) -> bool:
    """Tell whether the student is the teacher's network, narrower or shallower."""
    student.eval()
    try:
        part_of_teacher(teacher.network, student.network, inputs)
    except (ValueError, *MISFITS):
        return False
    return True


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
                side, size = min(output.shape[2:]), num_parameters(module)
                if size and size >= stages.get(side, (0,))[0]:
                    stages[side] = size, name, output, version_of(output)

        return look

    pass_watched(network, inputs, ((m, watch(n)) for n, m in network.named_modules() if n))
    sides = sorted(stages, reverse=True)[:-1]
    large = [stages[side] for side in sides if side >= _LEAST_SIDE]
    return [name for _, name, maps, version in large if version_of(maps) == version][-2:]
