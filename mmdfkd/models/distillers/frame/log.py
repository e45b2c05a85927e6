"""What a round tells the logger."""

import torch
from mmengine.dist import all_reduce
from torch import Tensor


def round_log(**phases: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Take means over a round's steps and over the processes, in one communication.

    Args:
        **phases: the logs of a phase's steps, scalars by name; a phase without steps has none.

    Returns:
        The means, named ``phase/figure``; none of logs without figures.
    """
    log = {
        f'{phase}/{name}': torch.stack([step[name].float() for step in steps]).mean()
        for phase, steps in phases.items()
        for name in (steps[0] if steps else ())
    }
    if not log:  # a method may log nothing, and does so in every process
        return log
    figures = torch.stack(list(log.values()))
    all_reduce(figures, op='mean')
    return dict(zip(log, figures, strict=True))
