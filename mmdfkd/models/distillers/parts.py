"""Building a distiller of parts that fit, and one of them anew."""

from typing import Any

from mmengine.dist import broadcast
from mmengine.model import BaseModule
from torch import nn

from mmdfkd.models.utils.bn_recorder import batch_norms
from mmdfkd.registry import MODELS


def build(part: dict | nn.Module | None) -> Any:
    """Build a part from its config; a module or None stays as it is."""
    return MODELS.build(part) if isinstance(part, dict) else part


def check_parts(teacher: Any, student: Any, generator: Any) -> None:
    """Raise a ValueError if the teacher has no weights or the numbers of classes differ."""
    if not teacher.has_weights:
        raise ValueError(
            'the teacher should have trained weights, but got checkpoint=None; set '
            'model.teacher.checkpoint to a path or URL (or pretrained=True of a timm network)'
        )
    counts = {
        'teacher': teacher.num_classes,
        'student': student.num_classes,
        'generator': getattr(generator, 'num_classes', teacher.num_classes),
    }
    if len(set(counts.values())) > 1:
        raise ValueError(
            f'teacher, student and generator should have as many classes, but got {counts}; '
            'set num_classes of each to the teacher’s'
        )


def check_batch_norms(teacher: Any, loss_bn: Any) -> None:
    """Raise a ValueError if there is a BN statistics loss and the teacher has no batch norm."""
    if loss_bn is not None and not batch_norms(teacher):
        raise ValueError(
            'the teacher should have batch norms for loss_bn, but got '
            f'{type(teacher.network).__name__} without any; set loss_bn=None '
            '(and give loss_act, say) for this teacher'
        )


def start_anew(part: nn.Module, config: Any) -> None:
    """Give ``part`` the weights of a newly built one, the same on every rank."""
    fresh = build(config)
    if isinstance(fresh, BaseModule):
        fresh.init_weights()  # as the Runner does with the first one
    part.load_state_dict(fresh.state_dict())
    for value in [*part.parameters(), *part.buffers()]:
        broadcast(value.detach())
