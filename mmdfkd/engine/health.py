"""Whether a model can go on: a checkpoint is only worth having if it can."""

import torch
from mmengine.runner import Runner
from torch import Tensor

from mmdfkd.models.distillers import DataFreeDistiller
from mmdfkd.models.utils import frozen, unwrap

#: The square of a greater number is infinite in single precision: the next round would be NaN.
GREATEST = 1e18


@torch.no_grad()
def check_health(runner: Runner) -> None:
    """Look at all weights, and at what the student says of a few synthetic images.

    The losses of a round are finite where its last update was too long; the next round's are
    not. It waits for the device, once for all weights, and draws no random number.

    Raises:
        FloatingPointError: naming what is NaN, infinite or about to be.
    """
    model = unwrap(runner.model)
    weights = {k: v for k, v in model.state_dict().items() if v.is_floating_point() and v.numel()}
    values = list(weights.values())
    fit = (
        torch.stack([value.abs().amax() < GREATEST for value in values]).tolist() if values else []
    )
    bad = [name for name, good in zip(weights, fit, strict=True) if not good]
    if not bad and isinstance(model, DataFreeDistiller):
        bad = [] if _answers(model) else ['the student’s logits of synthetic images']
    if bad:
        more = f' and {len(bad) - 3} more' if len(bad) > 3 else ''
        saved = runner.message_hub.runtime_info.get('last_ckpt', 'none saved yet')
        raise FloatingPointError(
            f'weights should be finite when they are saved, but after iteration {runner.iter + 1} '
            f'{", ".join(bad[:3])}{more} hold NaN, infinity or numbers over {GREATEST:.0e}; '
            f'nothing of it was saved (last checkpoint: {saved}). Lower the learning rate, or clip '
            'gradients (optim_wrapper.*.clip_grad), then go on with --resume'
        )


def _answers(model: DataFreeDistiller) -> bool:
    images: Tensor = model.preview(2, 2)
    if not len(images):
        return True
    with frozen(model.student) as student:
        logits = student(model.normalize(images)).logits
    return bool(images.isfinite().all() & logits.isfinite().all())
