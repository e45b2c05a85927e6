"""Mixed precision for every optimiser of a config."""

import torch
from mmengine.config import ConfigDict


def enable_amp(optim_wrapper: ConfigDict) -> None:
    """Make every wrapper of a single or multi-optimiser config an AmpOptimWrapper.

    bfloat16 where the GPU computes in it, and else float16 with a dynamic loss scale; a
    wrapper's own ``dtype`` and ``loss_scale`` stay. An inversion has an optimiser of its own and
    stays in full precision; of such a method the student's steps are mixed.

    Raises:
        ValueError: if no GPU is there.
    """
    if not torch.cuda.is_available():
        raise ValueError('--amp should be used with a GPU, but torch sees none; leave it out')
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    wrappers = [optim_wrapper] if 'optimizer' in optim_wrapper else optim_wrapper.values()
    for wrapper in wrappers:
        if isinstance(wrapper, dict) and 'optimizer' in wrapper:
            wrapper['type'] = 'AmpOptimWrapper'
            dtype = wrapper.setdefault('dtype', 'bfloat16' if native else 'float16')
            # bfloat16 has float32's range; a scale would have the host wait at every step.
            plain = str(dtype).removeprefix('torch.') == 'bfloat16'
            wrapper.setdefault('loss_scale', {'enabled': False} if plain else 'dynamic')
