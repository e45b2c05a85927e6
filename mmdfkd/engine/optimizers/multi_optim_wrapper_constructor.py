"""One optimiser wrapper for each part of a distiller."""

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapperDict
from torch import nn

from mmdfkd.models.utils import unwrap
from mmdfkd.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MultiOptimWrapperConstructor:
    """Build an ``OptimWrapperDict`` from one wrapper config a key.

    The distiller's ``optimised`` says which children a key updates.

    Args:
        optim_wrapper_cfg: ``dict(generator=dict(type=..., optimizer=...),
            student=dict(...))``.
        paramwise_cfg: passed on to every ``DefaultOptimWrapperConstructor``.

    Raises:
        ValueError: if the keys are not those of ``model.optimised``.
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
            build = DefaultOptimWrapperConstructor(
                dict(self.optim_wrapper_cfg[key]), self.paramwise_cfg
            )
            wrappers[key] = build(parts)
        return OptimWrapperDict(**wrappers)
