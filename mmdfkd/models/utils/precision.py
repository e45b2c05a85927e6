"""What must not be computed in half precision."""

import torch
from torch import Tensor


def full_precision(values: Tensor) -> Tensor:
    """Return ``values`` as float32 if they are of less; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
