"""Training in bfloat16, on a CPU or a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmdfkd.registry import OPTIM_WRAPPERS


def has_fast_bfloat16(device_type: str) -> bool:
    """Say whether a kind of device, ``'cpu'`` or ``'cuda'``, multiplies bfloat16 in hardware.

    Of CPUs those with AVX-512 BF16 (Zen 4, Cooper Lake) or AMX (Sapphire Rapids) do; on
    others autocast is slower than single precision.
    """
    if device_type == 'cuda':
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type == 'cpu':
        checks = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
        return any(getattr(torch.cpu, check, bool)() for check in checks)
    return False


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Optimiser wrapper whose passes run under bfloat16 autocast where that is faster.

    MMEngine's ``AmpOptimWrapper`` wants a GPU and scales the loss; bfloat16 needs neither.
    Weights, their gradients and the optimiser's memory stay in single precision. WRN-16-1's
    training step is 1.9 times as fast with it on a Zen 5 core (128 images, channels_last).

    Args:
        always: autocast on any device; by default only where :func:`has_fast_bfloat16`.
        **kwargs: see ``OptimWrapper``.
    """

    def __init__(self, always: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.always = always

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the passes inside in bfloat16, on the device of ``model``."""
        device_type = next(model.parameters()).device.type
        enabled = self.always or has_fast_bfloat16(device_type)
        with (
            super().optim_context(model),
            torch.autocast(device_type, dtype=torch.bfloat16, enabled=enabled),
        ):
            yield
