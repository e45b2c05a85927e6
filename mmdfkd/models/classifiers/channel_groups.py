"""Which axes of a network's parameters index the same channels."""

from typing import Any, NamedTuple

from torch import Tensor, nn

from .probe import logits_of

#: Autograd's nodes that mix or move channels in a way that weights do not show.
_MIXING = (
    *('Cat', 'Stack', 'Split', 'Unbind', 'Glu', 'Repeat', 'ChannelShuffle', 'PixelShuffle'),
    *('Bmm', 'BaddBmm', 'ScaledDotProduct', 'Permute', 'Roll', 'Flip', 'AsStrided'),
    *('IndexBackward', 'IndexSelect', 'Gather'),
)


class Axis(NamedTuple):
    """One dimension of one tensor of a state dict."""

    tensor: str
    dim: int


_IMAGES = Axis('the images', 1)


class _Groups:
    """Disjoint sets of axes: those of one set index the same channels."""

    def __init__(self) -> None:
        self.parents: dict[Axis, Axis] = {}

    def find(self, axis: Axis) -> Axis:
        self.parents.setdefault(axis, axis)
        while self.parents[axis] != axis:
            axis = self.parents[axis]
        return axis

    def join(self, one: Axis, other: Axis) -> None:
        self.parents[self.find(one)] = self.find(other)

    def sets(self) -> list[list[Axis]]:
        found: dict[Axis, list[Axis]] = {}
        for axis in self.parents:
            found.setdefault(self.find(axis), []).append(axis)
        return list(found.values())


class _Walk:
    """Walks autograd's graph from the logits to the images and joins the axes it meets."""

    def __init__(self, network: nn.Module) -> None:
        self.names = {id(parameter): name for name, parameter in network.named_parameters()}
        self.groups = _Groups()
        self.axes: dict[Any, Axis | None] = {}  # of the channels that a node gives

    def follow(self, node: Any) -> None:
        """Visit ``node`` after all that it was computed from."""
        stack = [node]
        while stack:  # no recursion: a graph is deeper than Python's stack
            waiting = [n for n, _ in stack[-1].next_functions if n and n not in self.axes]
            if waiting:
                stack.extend(waiting)
            else:
                done = stack.pop()
                self.axes[done] = self._visit(done)

    def _visit(self, node: Any) -> Axis | None:
        kind = type(node).__name__
        if kind == 'AccumulateGrad':
            name = self.names.get(id(node.variable))
            return _IMAGES if name is None else Axis(name, 0)
        if kind.startswith(_MIXING) or _moves_channels(kind, node):
            raise ValueError(
                'init_from_teacher should be False for a student of other widths than its '
                'teacher if its layers are not convolutions, linear layers, batch norms and '
                f'sums, but got a {kind} in its graph; leave init_from_teacher out'
            )
        inputs = [self.axes[n] if n else None for n, _ in node.next_functions]
        if kind.startswith('ConvolutionBackward'):
            maps, weight, bias = inputs
            return self._product(maps, weight, bias, depthwise=node._saved_groups > 1)
        if kind.startswith('AddmmBackward'):
            bias, maps, weight = inputs
            return self._product(maps, weight, bias)
        if kind.startswith('MmBackward'):
            return self._product(inputs[0], inputs[1], None)
        present = [axis for axis in inputs if axis]
        for axis in present[1:]:
            self.groups.join(axis, present[0])
        return present[0] if present else None

    def _product(
        self,
        maps: Axis | None,
        weight: Axis | None,
        bias: Axis | None,
        depthwise: bool = False,
    ) -> Axis | None:
        if weight is None:
            return None
        if maps:
            self.groups.join(weight if depthwise else Axis(weight.tensor, 1), maps)
        if bias:
            self.groups.join(bias, weight)
        return weight


def _moves_channels(kind: str, node: Any) -> bool:
    """Tell whether a node pads, slices or shuffles the second dimension of (N, C, ...)."""
    shape = node._input_metadata[0].shape  # of what it gives
    if kind.startswith('ConstantPad'):  # pairs from the last dimension on
        place = 2 * (len(shape) - 2)
        return any(node._saved_pad[place : place + 2])
    if kind.startswith('SliceBackward'):
        return len(shape) > 1 and shape[1] != node._saved_self_sym_sizes[1]
    return kind.startswith('TransposeBackward') and len(shape) > 4  # of groups of channels


def channel_groups(network: nn.Module, inputs: Tensor) -> list[list[Axis]]:
    """Group the axes of a network's parameters that index the same channels.

    A pass is made, and autograd's graph of it read: a sum joins the channels of what it
    adds up, a layer those of its inputs and the second axis of its weight (the bookkeeping
    of DepGraph, Fang et al., CVPR 2023, on the graph as torch-pruning walks it).

    Args:
        network: maps images to logits (N, K); its parameters have gradients.
        inputs: images that it takes, (N, C, H, W); their values do not matter.

    Returns:
        Groups of at least one :class:`Axis`, without those of the images and the logits.

    Raises:
        ValueError: if the network mixes channels by other means than its weights.
    """
    walk = _Walk(network)
    output = logits_of(network(inputs.detach().requires_grad_())).grad_fn
    walk.follow(output)
    fixed = {_IMAGES, walk.axes[output]}
    return [axes for axes in walk.groups.sets() if fixed.isdisjoint(axes)]
