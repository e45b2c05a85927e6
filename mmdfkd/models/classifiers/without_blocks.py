"""A shallower student: its teacher's network without some of its blocks."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.models.utils import frozen
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

    A block is a module of several layers in an ``nn.Sequential`` or ``nn.ModuleList`` that has
    a sibling of its kind. Of each stage at least half of the blocks stay, the first among them.

    Args:
        network: a classifier; nothing of it is changed.
        inputs: images that it takes, (N, C, H, W).

    Returns:
        Names for :func:`without_blocks`, none if the network has no such blocks.
    """
    keeps: set[str] = set()

    def watch(name: str) -> Any:
        def look(_: nn.Module, args: tuple, output: Any) -> None:
            if len(args) == 1 and isinstance(args[0], Tensor) and isinstance(output, Tensor):
                keeps.update([name] if args[0].shape == output.shape else [])

        return look

    stages = {k: v for k, v in network.named_modules() if isinstance(v, _CONTAINERS)}
    names = {id(module): name for name, module in network.named_modules()}
    blocks = {k: [b for b in stage if _is_block(b)] for k, stage in stages.items()}
    handles = [
        block.register_forward_hook(watch(names[id(block)]))
        for stage in blocks.values()
        for block in stage
    ]
    try:
        with frozen(network) as quiet:
            quiet(inputs)
    finally:
        for handle in handles:
            handle.remove()
    spare = []
    for stage in blocks.values():
        alike = [names[id(b)] for b in stage if sum(type(o) is type(b) for o in stage) > 1]
        spare += [name for name in alike[1::2] if name in keeps]
    return _outermost(spare)


def _outermost(names: Sequence[str]) -> list[str]:
    """Leave out the names of modules inside another of ``names``."""
    return [n for n in names if not any(n.startswith(f'{other}.') for other in names)]


def _is_block(module: nn.Module) -> bool:
    layers = [m for m in module.modules() if next(m.parameters(recurse=False), None) is not None]
    return len(layers) > 1 and not isinstance(module, _CONTAINERS)
