"""The student that is the teacher's own network, smaller: no second name is needed for it."""

from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from mmdfkd.models.classifiers import Classifier, spare_blocks
from mmdfkd.registry import MODELS
from mmdfkd.safe_load import only_safe_loads

SHALLOWER, NARROWER = 'shallower', 'narrower'
_ALMOST = 0.8  # of the teacher's parameters


def smaller(
    kind: str | None, network: dict[str, Any], teacher: Classifier, inputs: Tensor, name: str
) -> dict[str, Any]:
    """Return the config of the teacher's network with fewer blocks, or with half the channels.

    Args:
        kind: :data:`SHALLOWER` or :data:`NARROWER`; None takes the first that there is, but no
            shallower one that is almost as large as the teacher if there is a narrower one.
        network: config of the teacher's network, without weights.
        teacher: has it built.
        inputs: images that it takes, (N, C, H, W); their values do not matter.
        name: what the user calls the teacher.

    Raises:
        ValueError: if the network cannot be made so.
    """
    blocks = [] if kind == NARROWER else spare_blocks(teacher.network, inputs)
    shallower = dict(type='mmdfkd.without_blocks', network=network, blocks=blocks)
    if blocks and (kind == SHALLOWER or _size(shallower) < _ALMOST * num_parameters(teacher)):
        return shallower
    why_not = [] if kind == NARROWER else ['it has no blocks to leave out']
    if kind != SHALLOWER:
        shape = list(inputs.shape[1:])
        config = dict(type='mmdfkd.narrower', network=network, image_shape=shape, width=0.5)
        try:
            _size(config)
            return config
        except ValueError as error:
            why_not.append(str(error))
    if blocks:
        return shallower
    raise ValueError(
        f'--student should name a network, as {name} cannot be made {kind or "smaller"} '
        f'({"; ".join(why_not)}); give a name of timm, torchvision or mmpretrain, or '
        'module:function'
    )


def num_parameters(network: nn.Module) -> int:
    """Count the values of all parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def _size(config: dict[str, Any]) -> int:
    with only_safe_loads():
        return num_parameters(MODELS.build(deepcopy(config)))
