"""One look at what a network gives, and which of its layers the logits come from."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmdfkd.models.utils.watching import pass_watched

#: What networks raise of images, or of channels, that they do not take.
MISFITS = (RuntimeError, AssertionError, LookupError, TypeError)


class FinalLayer(NamedTuple):
    """The layer that gives the logits, and the dimensions of its inputs to average over."""

    name: str
    pooled: tuple[int, ...]


def logits_of(output: Any) -> Tensor:
    """Take the logits (N, C) out of what a network returns.

    Args:
        output: a tensor; a mapping or object with ``logits`` (a Hugging Face
            ``ModelOutput``) or ``out``; or a sequence, whose first entry they are, as
            auxiliary outputs follow.

    Raises:
        ValueError: if it is something else.
    """
    if isinstance(output, Tensor):
        return output
    for name in ('logits', 'out'):
        inner = output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)
        if isinstance(inner, Tensor):
            return inner
    if isinstance(output, Sequence) and output and isinstance(output[0], Tensor):
        return output[0]
    got = f'a mapping of {list(output)}' if isinstance(output, Mapping) else type(output).__name__
    raise ValueError(
        f'a classifier should return logits, or a container with them, but got {got}; wrap it in '
        'a module that returns the logits'
    )


def pooling_of(layer: nn.Module) -> tuple[int, ...]:
    """Return the dimensions of a layer's inputs that it does not mix: a 1x1 convolution's map."""
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
        return (2, 3)
    return ()


@torch.no_grad()
def look(
    network: nn.Module, inputs: Tensor, layers: Sequence[str], guess: str
) -> tuple[Tensor, dict]:
    """Run ``network`` once in eval mode, with what ``layers`` got and gave.

    Args:
        network: a classifier; nothing of it is changed.
        inputs: normalised images (N, C, H, W).
        layers: names of the modules to watch.
        guess: the one that likely gives the logits.

    Returns:
        The logits (N, C), and (first input, output) of each layer that was passed, by name,
        in the order of the passes.

    Raises:
        ValueError: if the network returns no logits of N images, or other values before them.
    """
    passed: dict[str, tuple[Tensor, Tensor]] = {}

    def watch(name: str) -> Any:
        def keep(layer: nn.Module, args: tuple, output: Any) -> None:
            if args and isinstance(args[0], Tensor) and isinstance(output, Tensor):
                passed.pop(name, None)
                passed[name] = (args[0], output)

        return keep

    hooks = [(network.get_submodule(name), watch(name)) for name in layers]
    output = pass_watched(network, inputs, hooks)
    logits = logits_of(output)
    if logits.dim() != 2 or len(logits) != len(inputs):
        raise ValueError(
            f'a classifier should return logits of the shape ({len(inputs)}, classes), but got '
            f'{tuple(logits.shape)}; wrap it in a module that pools or picks them'
        )
    if isinstance(output, Sequence):
        _check_first(network, output, logits, passed, guess)
    return logits, passed


def _check_first(
    network: nn.Module, output: Sequence, first: Tensor, passed: dict, guess: str
) -> None:
    """Raise a ValueError if a layer makes a later entry of the first: that is features then.

    So it is if the guessed layer gives a later entry of another number of columns.
    """
    for name, (given, made) in passed.items():
        if not isinstance(network.get_submodule(name), nn.Linear | nn.Conv2d):
            continue
        for entry in output[1:]:
            if not isinstance(entry, Tensor) or entry.dim() != 2 or _match(made, entry) is None:
                continue
            other = name == guess and entry.shape != first.shape
            if other or _match(given, first) is not None:
                raise ValueError(
                    f'a classifier should return its logits alone or first, but got '
                    f'{tuple(first.shape)} first and {tuple(entry.shape)}, which the layer {name} '
                    'gives, later; return that first'
                )


def layers_to_watch(network: nn.Module, named: str | None) -> list[str]:
    """List the modules that may give the logits: those with weights of their own."""
    if named is not None:
        return [named]
    return [
        name
        for name, module in network.named_modules()
        if name and next(module.parameters(recurse=False), None) is not None
    ]


def choose_final_layer(
    network: nn.Module, logits: Tensor, passed: dict, guess: str, named: str | None
) -> FinalLayer:
    """Choose the layer whose output is the logits.

    Args:
        network: the classifier.
        logits: (N, C), of :func:`look`.
        passed: likewise.
        guess: the layer to take where something follows that keeps the shape, as a scale.
        named: the layer that the user named, or None.

    Raises:
        ValueError: if none is found, or the named one gives no logits, or a sigmoid follows it.
    """
    num_classes = logits.size(1)
    if named is not None:
        if named in passed and num_classes in _channels(passed[named][1]):
            _check_no_sigmoid(named, passed[named][1], logits)
            return FinalLayer(named, pooling_of(network.get_submodule(named)))
        shape = tuple(passed[named][1].shape) if named in passed else 'nothing: it is not passed'
        raise _no_final_layer(network, named, f'it gives {shape}', num_classes, passed)
    for kinds in ((nn.Linear, nn.Conv2d), (nn.Module,)):
        for name in reversed(passed):
            given, output = passed[name]
            layer = network.get_submodule(name)
            if not isinstance(layer, kinds) or (
                kinds == (nn.Module,) and given.size(-1) == num_classes
            ):
                continue
            pooled = _match(output, logits)
            if pooled is not None:
                return FinalLayer(name, pooling_of(layer) or pooled)
    if guess in passed:
        _check_no_sigmoid(guess, passed[guess][1], logits)
        values, dims = _mean(passed[guess][1])
        if values.shape == logits.shape:
            return FinalLayer(guess, pooling_of(network.get_submodule(guess)) or dims)
    raise _no_final_layer(network, named, 'no layer’s output is them', num_classes, passed)


def _check_no_sigmoid(name: str, output: Tensor, logits: Tensor) -> None:
    values = _mean(output)[0].sigmoid()
    if values.shape == logits.shape and torch.allclose(values, logits.float(), 1e-3, 1e-5):
        raise ValueError(
            f'a classifier should give logits, but its outputs are the sigmoid of what its layer '
            f'{name} gives; take its sigmoid off'
        )


def _channels(output: Tensor) -> tuple[int, ...]:
    return tuple(output.shape[1:2]) + tuple(output.shape[-1:])


def _match(output: Tensor, logits: Tensor) -> tuple[int, ...] | None:
    """Return the dimensions to average ``output`` over to have the logits; None if it has not."""
    values, dims = _mean(output)
    if values.shape != logits.shape:
        return None
    for candidate in (values, values.log_softmax(1)):
        if torch.allclose(candidate, logits.float(), rtol=1e-3, atol=1e-5):
            return dims
    return None


def _mean(output: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Average a layer's output over tokens or places; returns the dimensions of these, too."""
    over: dict[int, tuple[int, ...]] = {3: (1,), 4: (2, 3)}
    dims = over.get(output.dim(), ())
    return (output.mean(dims) if dims else output).float(), dims


def _no_final_layer(
    network: nn.Module, named: str | None, why: str, num_classes: int, passed: dict
) -> ValueError:
    names = [name for name in passed if isinstance(network.get_submodule(name), nn.Linear)]
    return ValueError(
        f'final_layer should name the layer of {type(network).__name__} that gives the '
        f'{num_classes} logits, but got {named!r}: {why}; set final_layer= of the classifier, to a '
        f'module of any kind. The last ones passed are {(names or list(passed))[-5:]}'
    )
