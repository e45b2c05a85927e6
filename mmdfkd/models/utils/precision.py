"""What must not be computed in less than single, or double, precision."""

import torch
from torch import Tensor

#: Devices that have no float64: Apple's.
_SINGLE = ('mps',)


def double_precision(values: Tensor) -> Tensor:
    """Return ``values`` as float64: on their device, or where that has none on the CPU."""
    return (values.cpu() if values.device.type in _SINGLE else values).double()


def full_precision(values: Tensor) -> Tensor:
    """Return ``values`` as float32 if they are of less; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
