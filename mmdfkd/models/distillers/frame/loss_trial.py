"""A method's losses are tried at build, on a few numbers of the shapes that they will get."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.models.utils import BNStatistics, FeatureMaps
from mmdfkd.models.utils.bn_recorder import channels_passed

_LOGITS = ('student_logits', 'teacher_logits')
#: What the methods hand their losses, by the losses' names.
_GIVEN: dict[str, tuple[str, ...]] = {
    'loss_kd': _LOGITS,
    'loss_kd_ema': _LOGITS,
    'loss_adv': _LOGITS,
    'loss_compete': _LOGITS,
    'loss_ce': ('logits', 'labels'),
    'loss_pseudo_label': ('logits',),
    'loss_entropy': ('logits',),
    'loss_instance': ('logits',),
    'loss_batch': ('logits',),
    'loss_act': ('features',),
    'loss_bn': ('statistics',),
    'loss_metric': ('features', 'logits', 'labels', 'latents'),
    'loss_tv': ('inputs',),
    'loss_l2': ('inputs',),
    'loss_cr': ('local', 'global_', 'num_new'),
    'loss_at': ('student_maps', 'teacher_maps'),
    'loss_layout': ('maps', 'labels'),
}
#: Of losses of maps, the networks and the distiller's lists of layers that these are of.
_LAYERS = {
    'loss_at': {'student': 'student_layers', 'teacher': 'teacher_layers'},
    'loss_layout': {'teacher': 'layout_layers'},
}
#: Names of a loss's arguments that say what it is made for.
_KINDS = {name: name for names in _GIVEN.values() for name in names}
_KINDS |= dict.fromkeys((*_LOGITS, 'logits'), 'logits')
_KINDS |= dict.fromkeys(('student_maps', 'teacher_maps', 'maps'), 'maps')
_IMITATES, _DISTURBS = ('loss_kd', 'loss_kd_ema'), ('loss_adv', 'loss_compete')
_IMAGES = 4


def try_losses(distiller: Any, *needed: str, only: Sequence[str] = tuple(_GIVEN)) -> None:
    """Compute the losses of a distiller that is built, each of a few made-up numbers.

    No random number is drawn, and neither a weight nor a buffer changes.

    Args:
        distiller: its losses are attributes, of the names that the methods here give them.
        *needed: those that may not be None.
        only: the names to look at.

    Raises:
        ValueError: if a name is unknown, or a loss is missing, is no loss of what it gets, gives
            no finite number, or rewards the very thing that it should punish.
    """
    if unknown := [*filter(lambda name: name not in _GIVEN, needed)]:
        raise ValueError(
            f'losses to try should be among {[*_GIVEN]}, but got {unknown}; try those, and check '
            'your own where you build them'
        )
    made: dict[str, Any] = {}
    for name in only:
        if not hasattr(distiller, name):
            continue
        loss = getattr(distiller, name)
        if loss is None and name in needed:
            raise ValueError(
                f'{name} should be the config of a loss for {type(distiller).__name__}, which has '
                'no form without it, but got None; give dict(type=..., loss_weight=...)'
            )
        if loss is not None:
            made = made or _samples(distiller)
            if not _has_values(made):
                return
            maps = _maps(distiller, name)
            if maps is not None:
                _try(name, loss, _GIVEN[name], made | maps)


def try_priors(priors: nn.ModuleDict, distiller: Any) -> None:
    """Compute image priors of a few black to white images.

    Raises:
        ValueError: if one is no loss of images, or gives no finite number.
    """
    made = _samples(distiller) if priors else {}
    for name, prior in priors.items() if _has_values(made) else ():
        _try(f'image_priors.{name}', prior, ('inputs',), made)


def _samples(distiller: Any) -> dict[str, Any]:
    classes, teacher = distiller.num_classes, distiller.teacher
    labels = torch.arange(_IMAGES) // 2 % classes
    sure = 8.0 * nn.functional.one_hot(labels, classes)
    logits = sure + torch.linspace(-1, 1, sure.numel()).view_as(sure)
    features = torch.linspace(0.1, 1, _IMAGES * (teacher.num_features or 1)).view(_IMAGES, -1)
    shape = (_IMAGES, *distiller.image_shape)
    with_bn = getattr(distiller, 'loss_bn', None) is not None
    channels = channels_passed(teacher.network, distiller.image_shape) if with_bn else []
    ones = [torch.ones(num) for num in channels]
    unit = nn.functional.normalize(torch.eye(_IMAGES) + 0.1)
    return {
        'labels': labels,
        'logits': logits,
        'teacher_logits': logits,
        'student_logits': logits / 2,
        'features': features,
        'statistics': [BNStatistics(one, 2 * one, 0 * one, one) for one in ones],
        'latents': torch.linspace(-1, 1, _IMAGES * 5).view(_IMAGES, 5),
        'inputs': torch.linspace(-1, 1, torch.Size(shape).numel()).view(shape),
        'local': unit,
        'global_': unit,
        'num_new': _IMAGES // 2,
    }


def _has_values(made: dict[str, Any]) -> bool:
    """Tell whether tensors are more than shapes: a distiller may be built to see these alone."""
    logits = made.get('logits')
    return type(logits) is Tensor and not logits.is_meta


@torch.no_grad()
def _maps(distiller: Any, name: str) -> dict[str, Any] | None:
    """Return maps as the layers of a loss give them; None where their shapes are not found.

    The networks' copies have no values: it is no pass of a network.
    """
    found = {}
    for network, layers in _LAYERS.get(name, {}).items():
        part = copy.deepcopy(getattr(distiller, network)).to('meta').eval()
        inputs = torch.empty(_IMAGES, *distiller.image_shape, device='meta')
        try:
            with FeatureMaps(part.network, getattr(distiller, layers)) as recorder:
                part.network(inputs)
        except Exception:  # a network may ask for values
            return None
        for layer, given in zip(getattr(distiller, layers), recorder.maps, strict=True):
            if not isinstance(given, Tensor):
                raise ValueError(
                    f'{layers} should be layers that give maps in eval mode, but {layer} gives '
                    f'{"nothing" if given is None else f"a {type(given).__name__}"}; name another'
                )
        found[f'{network}_maps'] = [torch.ones(tuple(maps.shape)) for maps in recorder.maps]
    return found | {'maps': found.get('teacher_maps')}


@torch.no_grad()
def _try(name: str, loss: Any, given: tuple[str, ...], made: dict[str, Any]) -> None:
    kind, got = type(loss).__name__, ', '.join(given)
    for wanted, handed in zip(_names(loss), given, strict=False):
        if wanted in _KINDS and _KINDS[wanted] != _KINDS[handed]:
            raise ValueError(
                f'{name} should be a loss of ({got}), but {kind} is one of {wanted}; give another'
            )
    try:
        value = loss(*(made[each] for each in given))
    except Exception as error:  # of whatever it makes of them
        raise ValueError(
            f'{name} should be a loss of ({got}), but {kind} raised {type(error).__name__} of '
            f'them: {" ".join(str(error).split())}; give another, or mend its settings'
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.isfinite():
        raise ValueError(
            f'{name} should give one finite number, but {kind} gave {value!r}; mend its settings'
        )
    if given == _LOGITS:
        _check_sign(name, loss, float(value), made['teacher_logits'])


def _check_sign(name: str, loss: Any, apart: float, logits: Tensor) -> None:
    together = float(loss(logits, logits))
    slack = 1e-4 * (1 + abs(apart))
    if name in _IMITATES and together > apart + slack:
        raise ValueError(
            f'{name} should be least where the student is like the teacher, but '
            f'{type(loss).__name__} is {together:.4g} there, elsewhere {apart:.4g}; give a KDLoss'
        )
    if name in _DISTURBS and apart > together + slack:
        raise ValueError(
            f'{name} should fall as student and teacher differ, but {type(loss).__name__} is '
            f'{apart:.4g} then and {together:.4g} where they agree; give an AdversarialLoss'
        )


def _names(loss: Any) -> list[str]:
    """Return the names of what a loss takes; none where it does not say."""
    call = getattr(loss, 'forward', loss)
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
