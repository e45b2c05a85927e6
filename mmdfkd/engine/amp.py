"""Mixed precision for every optimiser of a config."""

import torch
from mmengine.config import Config

from mmdfkd.models.distillers import InversionDistiller
from mmdfkd.registry import MODELS


def enable_amp(cfg: Config) -> None:
    """Make every optimiser wrapper of a training config that has passes an AmpOptimWrapper.

    bfloat16 where the GPU computes in it, and else float16 with a dynamic loss scale; a
    wrapper's own ``dtype`` and ``loss_scale`` stay. An inversion stays in full precision; of such
    a method the student's steps are mixed.

    Args:
        cfg: with ``model`` and ``optim_wrapper``, of one optimiser or of one a part.

    Raises:
        ValueError: if no GPU is there.
    """
    if not torch.cuda.is_available():
        raise ValueError('--amp should be used with a GPU, but torch sees none; leave it out')
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    wrappers = cfg.optim_wrapper
    parts = {'': wrappers} if 'optimizer' in wrappers else wrappers
    for key, wrapper in parts.items():
        if not isinstance(wrapper, dict) or 'optimizer' not in wrapper:
            continue
        if key not in ('', 'student') and _inverts(cfg):
            continue
        wrapper['type'] = 'AmpOptimWrapper'
        dtype = wrapper.setdefault('dtype', 'bfloat16' if native else 'float16')
        # bfloat16 has float32's range; a scale would have the host wait at every step.
        plain = str(dtype).removeprefix('torch.') == 'bfloat16'
        wrapper.setdefault('loss_scale', {'enabled': False} if plain else 'dynamic')


def _inverts(cfg: Config) -> bool:
    kind = cfg.model.type
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and issubclass(kind, InversionDistiller)
