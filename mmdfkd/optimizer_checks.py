"""Whether the config of an optimiser, or of its wrapper, can be one."""

from typing import Any

import torch
from mmengine.registry import OPTIMIZERS
from torch import nn

from mmdfkd.checks import check_positive, check_range

#: Of MMEngine's ``clip_grad``: its kind, and what torch's two functions of gradients take.
_CLIP = ('type', 'max_norm', 'norm_type', 'error_if_nonfinite', 'foreach', 'clip_value')


def check_optimizer(name: str, cfg: Any) -> None:
    """Raise a ValueError if no optimiser can be built of ``cfg``.

    Args:
        name: what the config calls it.
        cfg: without parameters; it is tried on one.
    """
    _check_rate(name, cfg)
    try:
        # LBFGS wants a closure, which no distiller gives.
        OPTIMIZERS.build(dict(cfg, params=[nn.Parameter(torch.zeros(1, 1))])).step()
    except Exception as error:  # torch's raise anything
        raise _unfit(name, cfg, error) from error


def check_wrapper(name: str, cfg: Any) -> None:
    """Raise a ValueError naming the first setting of an optimiser wrapper that cannot be right.

    Args:
        name: what the config calls it.
        cfg: with ``optimizer``, and perhaps ``accumulative_counts`` and ``clip_grad``.
    """
    if not isinstance(cfg, dict):
        raise ValueError(
            f'{name} should be the config of an optimiser wrapper, but got {cfg!r}; give '
            'dict(type=OptimWrapper, optimizer=dict(type=..., lr=...))'
        )
    _check_rate(f'{name}.optimizer', cfg.get('optimizer'))
    check_positive(**{f'{name}.accumulative_counts': cfg.get('accumulative_counts', 1)})
    clip = cfg.get('clip_grad')
    if clip is None:
        return
    by_value = isinstance(clip, dict) and clip.get('type') == 'value'
    limit = 'clip_value' if by_value else 'max_norm'
    if not isinstance(clip, dict) or not {limit} <= {*clip} <= {*_CLIP}:
        raise ValueError(
            f'{name}.clip_grad should be a dict of {limit} and others of {", ".join(_CLIP)}, but '
            f'got {clip!r}; give dict({limit}=...)'
        )
    check_range('(0, inf)', **{f'{name}.clip_grad.{limit}': clip[limit]})  # -1 would go uphill


def build_wrapper(name: str, cfg: Any, constructor: Any, parts: nn.Module) -> Any:
    """Build a wrapper over the parameters of ``parts``; what fails is told by ``name``.

    Raises:
        ValueError: if the optimiser is unknown, or does not take its settings.
    """
    check_wrapper(name, cfg)
    try:
        return constructor(parts)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unfit(name, cfg, error) from error


def _check_rate(name: str, cfg: Any) -> None:
    if not isinstance(cfg, dict) or 'type' not in cfg:
        raise ValueError(
            f'{name} should be the config of an optimiser, but got {cfg!r}; give '
            'dict(type=..., lr=...)'
        )
    kind = cfg['type']
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        raise ValueError(
            f'{name}.type should be the name of an optimiser, but got {kind!r}; give one of '
            "torch.optim, as 'SGD' or 'Adam', or its class"
        )
    if 'lr' in cfg:
        check_range('[0, inf)', **{f'{name}.lr': cfg['lr']})


def _unfit(name: str, cfg: Any, error: Exception) -> ValueError:
    text = ' '.join(str(error).split())
    told = {key: value for key, value in cfg.items() if key != 'params'}
    return ValueError(
        f'{name} should be the config of one, but {told} raised '
        f'{type(error).__name__}: {text}; mend its settings'
    )
