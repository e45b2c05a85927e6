"""A shallower student: its teacher's network without some of its blocks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.watching import pass_watched
from mmdfkd.registry import MODELS

_CONTAINERS = (nn.Sequential, nn.ModuleList)


@MODELS.register_module()
def without_blocks(network: dict, blocks: Sequence[str], **options: Any) -> nn.Module:
    """Build a network with an identity in the place of each of ``blocks``.

    The others keep their names, so that ``init_from_teacher`` gives them the teacher's weights.

    Args:
        network: config of a network.
        blocks: names of modules of it, each of which maps to the shape that it gets. Those inside
            another of them go with it.
        **options: further arguments of the network.

    Raises:
        ValueError: if the network has no module of a name.
    """
    built = MODELS.build({**network, **options})
    names = dict(built.named_modules())
    if unknown := [name for name in blocks if name not in names or not name]:
        raise ValueError(
            f'blocks should name modules of {type(built).__name__}, but got {unknown[:3]}; its own '
            f'are {[name for name, _ in built.named_children()]} and theirs'
        )
    for name in _outermost(blocks):
        parent, _, child = name.rpartition('.')
        setattr(built.get_submodule(parent), child, nn.Identity())
    return built


@torch.no_grad()
def spare_blocks(network: nn.Module, inputs: Tensor) -> list[str]:
    """Name every second block of each stage that keeps the shape: what can be left out.

    A block is a module of several layers that has a sibling of its kind; its stage is an
    ``nn.Sequential`` or ``nn.ModuleList``, or another module, as of a RegNet, where each block
    takes what the one before it returns. Of each stage at least half of the blocks stay, the first
    among them. Where plain windows and shifted ones take turns, as in a Swin, two and two stay.

    Args:
        network: a classifier; nothing of it is changed.
        inputs: images that it takes, (N, C, H, W).

    Returns:
        Names for :func:`without_blocks`, none if the network has no such blocks.
    """
    names = {id(module): name for name, module in network.named_modules()}
    stages = {module: _blocks(module) for module in network.modules()}
    passes = _passes(network, inputs, {b for blocks in stages.values() for b in blocks})
    spare, inside = [], set[nn.Module]()
    for stage, blocks in stages.items():
        if isinstance(stage, _CONTAINERS):
            inside |= set(stage.modules())
        elif stage in inside or not _serial(blocks, passes):
            continue
        period = 2 if len({_shift(block) for block in blocks}) > 1 else 1
        second = [b for i, b in enumerate(blocks) if i // period % 2]
        found = [b for b in second if b in passes and _keeps_shape(*passes[b])]
        spare += [names[id(block)] for block in found]
        if found:  # what is inside a block is none of its own
            inside |= {part for block in blocks for part in block.modules()}
    return _outermost(spare)


def _shift(block: Any) -> str:
    """Return how far a block shifts its windows, in the libraries' own form."""
    owners: tuple[Any, ...] = (block, getattr(block, 'attn', None))
    return str(next((o.shift_size for o in owners if hasattr(o, 'shift_size')), None))


def _blocks(stage: nn.Module) -> list[nn.Module]:
    """Return the children that are blocks with a sibling of their kind."""
    blocks = [child for child in stage.children() if _is_block(child)]
    return [b for b in blocks if sum(type(other) is type(b) for other in blocks) > 1]


def _passes(
    network: nn.Module, inputs: Tensor, modules: set[nn.Module]
) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Return what each module of one tensor got and returned in a pass."""
    seen = {}

    def look(module: nn.Module, args: tuple, output: Any) -> None:
        if len(args) == 1 and isinstance(args[0], Tensor) and isinstance(output, Tensor):
            seen[module] = args[0], output

    pass_watched(network, inputs, ((module, look) for module in modules))
    return seen


def _serial(blocks: list[nn.Module], passes: dict[nn.Module, tuple[Tensor, Tensor]]) -> bool:
    """Tell whether each block got what the one before it returned."""
    return all(b in passes for b in blocks) and all(
        passes[one][1] is passes[other][0] for one, other in pairwise(blocks)
    )


def _keeps_shape(got: Tensor, returned: Tensor) -> bool:
    return got.shape == returned.shape


def _outermost(names: Sequence[str]) -> list[str]:
    """Leave out the names of modules inside another of ``names``."""
    return [n for n in names if not any(n.startswith(f'{other}.') for other in names)]


def _is_block(module: nn.Module) -> bool:
    layers = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    return len(layers) > 1 and not isinstance(module, _CONTAINERS)
