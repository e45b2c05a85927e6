"""The weights in what a checkpoint holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

#: Where training scripts put the weights, the likeliest first.
WEIGHT_KEYS = (
    'state_dict',
    'model_state_dict',
    'model',
    'net',
    'network',
    'weights',
    'params',
    'module',
    'state_dict_ema',
    'model_ema',
    'ema',
)


def find_weights(content: Any, source: str | Path, key: str | None = None) -> dict[str, Tensor]:
    """Find the state dict in what :func:`read_checkpoint` returned.

    Args:
        content: a state dict, or a mapping that holds one.
        source: where it is from, for the errors.
        key: the entry that holds it; by default the only one that does, or the only one of
            :data:`WEIGHT_KEYS`.

    Raises:
        ValueError: if there is none, or one should be chosen by ``key``.
    """
    if key is not None:
        if not isinstance(content, Mapping) or key not in content:
            names = list(content)[:10] if isinstance(content, Mapping) else type(content).__name__
            raise ValueError(f'key should be an entry of {source}, but got {key!r} of {names}')
        content = content[key]
    if not isinstance(content, Mapping):
        raise ValueError(
            f'{source} should hold a state dict, but got a {type(content).__name__}; save '
            'model.state_dict() with torch.save'
        )
    if _is_state(content):
        return dict(content)
    found = [
        name
        for name, value in content.items()
        # MMEngine's may hold more than tensors.
        if _is_state(value) or (name == 'state_dict' and isinstance(value, Mapping) and value)
    ]
    chosen = [name for name in WEIGHT_KEYS if name in found] or found
    if len(chosen) > 1:
        raise ValueError(
            f'{source} should hold one state dict, but got them under {chosen}; choose one with key'
        )
    if chosen:
        return find_weights(content[chosen[0]], source)
    inner = [name for name in WEIGHT_KEYS if isinstance(content.get(name), Mapping)]
    if inner and content[inner[0]]:
        return find_weights(content[inner[0]], source)
    return dict(content)


def check_finite(weights: Mapping[str, Any], source: str | Path, advice: str) -> None:
    """Raise a ValueError naming ``weights`` that are NaN or infinite.

    Args:
        weights: a state dict; only its floating-point tensors are looked at.
        source: where they are from.
        advice: what to do.
    """
    bad = [
        name
        for name, value in weights.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not value.isfinite().all()
    ]
    if bad:
        more = f' and {len(bad) - 3} more' if len(bad) > 3 else ''
        raise ValueError(
            f'the weights of {source} should be finite, but {", ".join(bad[:3])}{more} hold NaN '
            f'or infinity; {advice}'
        )


def _is_state(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )
