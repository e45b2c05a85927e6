"""One optimiser wrapper for each part of a distiller."""

from copy import deepcopy
from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper, OptimWrapperDict
from torch import nn

from mmdfkd.models.distillers import InversionDistiller
from mmdfkd.models.utils import unwrap
from mmdfkd.optimizer_checks import build_wrapper, check_wrapper
from mmdfkd.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Build an ``OptimWrapperDict`` from one wrapper config a key.

    The distiller's ``optimised`` says which children a key updates. Each wrapper may
    accumulate (``accumulative_counts``) and clip gradients (``clip_grad``) on its own;
    the norms are logged as ``generator/grad_norm`` and ``student/grad_norm``.

    Args:
        optim_wrapper_cfg: ``dict(generator=dict(type=..., optimizer=...),
            student=dict(...))``.
        paramwise_cfg: passed on to every ``DefaultOptimWrapperConstructor``.

    Raises:
        ValueError: if the keys are not those of ``model.optimised``, no optimiser can be built
            of a config, gradients would be accumulated over the end of a round, or a precision
            is given to a part that has no passes of its own.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.paramwise_cfg = paramwise_cfg

    def __call__(self, model: Any) -> OptimWrapperDict:
        """Return wrappers over the trainable parameters of ``model``'s parts."""
        model = unwrap(model)
        if set(self.optim_wrapper_cfg) != set(model.optimised):
            raise ValueError(
                f'the keys of optim_wrapper should be {sorted(model.optimised)} and constructor, '
                f'but got {sorted(self.optim_wrapper_cfg)}'
            )
        wrappers = {}
        for key, children in model.optimised.items():
            parts = nn.ModuleDict(
                {child: getattr(model, child) for child in children if getattr(model, child)}
            )
            # A deep copy: MMEngine takes the type out of clip_grad, which keys may share.
            name, cfg = f'optim_wrapper.{key}', deepcopy(self.optim_wrapper_cfg[key])
            check_wrapper(name, cfg)
            _check_accumulation(model, key, cfg.get('accumulative_counts', 1))
            constructor = DefaultOptimWrapperConstructor(dict(cfg), self.paramwise_cfg)
            wrappers[key] = build_wrapper(name, cfg, constructor, parts)
            _check_precision(model, key, wrappers[key])
            if wrappers[key].clip_grad_kwargs:
                wrappers[key].grad_name = f'{key}/{wrappers[key].grad_name}'
        return OptimWrapperDict(**wrappers)


def _check_accumulation(model: Any, key: str, counts: int) -> None:
    # Gradients left over from a round would be lost on resume, and in the end.
    steps = {'generator': 'g_steps', 'student': 'kd_steps'}.get(key, '')
    if not hasattr(model, steps):  # CMI's discriminator, a meta-learned generator
        if counts != 1:
            raise ValueError(
                f'accumulative_counts of {key} should be 1 for {type(model).__name__}, but got '
                f'{counts}; leave it out'
            )
    elif getattr(model, steps) % counts:
        raise ValueError(
            f'accumulative_counts of {key} should divide its {getattr(model, steps)} steps a '
            f'round, but got {counts}; set model.{steps} to a multiple'
        )


def _check_precision(model: Any, key: str, wrapper: OptimWrapper) -> None:
    # The passes that give these gradients are an inversion's, which no wrapper has a context of.
    plain = type(wrapper).optim_context is OptimWrapper.optim_context
    if isinstance(model, InversionDistiller) and key != 'student' and not plain:
        raise ValueError(
            f'optim_wrapper.{key}.type of {type(model).__name__} should be OptimWrapper, as an '
            f'inversion is in full precision, but got {type(wrapper).__name__}; give it to '
            'optim_wrapper.student alone'
        )
