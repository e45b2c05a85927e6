"""Hooks that see what passes through layers, for as long as they are wanted."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from .frozen import frozen

_Own = TypeVar('_Own', bound='Watcher')


class Watcher:
    """Base of context managers whose hooks live inside the ``with`` block only.

    No other pass of the network pays for them.
    """

    _handles: list[RemovableHandle]

    def watch(self) -> list[RemovableHandle]:
        """Register the hooks of a block that begins, and return their handles."""
        raise NotImplementedError

    def __enter__(self: _Own) -> _Own:
        self._handles = self.watch()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()


def pass_watched(
    network: nn.Module, inputs: Tensor, hooks: Iterable[tuple[nn.Module, Callable[..., None]]]
) -> Any:
    """Return what a frozen network gives for ``inputs``, with forward hooks for this pass alone.

    Args:
        network: as it is, it comes back.
        inputs: of the network.
        hooks: modules in it, each with what is called with (module, arguments, output).
    """
    handles = [module.register_forward_hook(hook) for module, hook in hooks]
    try:
        with frozen(network) as quiet:
            return quiet(inputs)
    finally:
        for handle in handles:
            handle.remove()
