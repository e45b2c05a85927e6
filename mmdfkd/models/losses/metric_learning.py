"""Metric-learning loss of DE-DFKD: keeps a class from collapsing to one mode."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmdfkd.checks import check_range
from mmdfkd.models.utils.precision import full_precision
from mmdfkd.registry import MODELS

from . import metric_functions

OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    'M1': metric_functions.intra_class_repulsion,
    'M2': metric_functions.mode_seeking,
    'M3': metric_functions.reversed_triplet,
    'M4': metric_functions.bounded_two_margin,
    'M5': metric_functions.supervised_contrastive,
}


#: Of the parameters of M3 to M5; cosine distances are in [0, 2].
_RANGES = {
    'margin': '[0, 2]',
    'spread': '[0, 2]',
    'separation': '[0, 2]',
    'temperature': '[0.001, 1000]',
}


def confident(logits: Tensor, labels: Tensor, gate: float) -> Tensor:
    """Samples that the teacher gives to their label with confidence over ``gate``.

    Logits are (N, C), labels (N,); the result is (N,) bool, without gradient.
    """
    confidences, decisions = logits.detach().softmax(1).max(1)
    return (decisions == labels) & (confidences > gate)


@MODELS.register_module()
class MetricLearningLoss(nn.Module):
    """Metric learning on the teacher's features of gated synthetic samples.

    Reconstructed from the abstract of DE-DFKD (Liu et al., 2024), which names the
    loss and its aim but not its form: the candidates are M1 to M5 of
    :mod:`~mmdfkd.models.losses.metric_functions`, or any loss of the package
    pytorch-metric-learning.

    Args:
        objective: ``'M1'`` ... ``'M5'``, or the class name of a loss of
            pytorch-metric-learning such as ``'MultiSimilarityLoss'``.
        loss_weight: factor of the loss.
        gate: a sample counts if the teacher gives it to its label with a
            confidence over this, in [0, 1).
        **parameters: arguments of the objective, e.g. M4's ``spread``.

    Raises:
        ValueError: if the objective, one of its parameters or the gate is unfit.
    """

    def __init__(
        self,
        objective: str = 'M4',
        loss_weight: float = 1.0,
        gate: float = 0.7,
        **parameters: Any,
    ) -> None:
        super().__init__()
        check_range('[0, 1)', gate=gate)
        self.objective = objective
        self.loss_weight = loss_weight
        self.gate = gate
        self.parameters_of_objective = parameters
        self.library_loss = None
        if objective not in OBJECTIVES:
            self.library_loss = _build_library_loss(objective, parameters)
            return
        given = ('features', 'labels', 'kept', 'latents')
        accepted = set(inspect.signature(OBJECTIVES[objective]).parameters).difference(given)
        unknown = sorted(set(parameters) - accepted)
        if unknown:
            raise ValueError(
                f'parameters of {objective} should be in {sorted(accepted)}, but got {unknown}'
            )
        for name, number in parameters.items():
            check_range(_RANGES[name], **{name: number})

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor, latents: Tensor) -> Tensor:
        """Return the weighted loss.

        Args:
            features: the teacher's penultimate features, (N, D).
            logits: the teacher's, (N, C).
            labels: the asked classes, (N,) int64.
            latents: (N, nz), what the images were made from.

        Returns:
            A scalar; a zero that keeps the graph where no pair or triplet exists.
        """
        kept = confident(logits, labels, self.gate)
        if self.library_loss is not None:
            # A batch that passed in part has no fixed shape: one copy to the host.
            loss = full_precision(features).sum() * 0
            if kept.any():
                # Its products would round, and some of its losses have no gradient then.
                with torch.autocast(features.device.type, enabled=False):
                    loss = loss + self.library_loss(full_precision(features[kept]), labels[kept])
        else:
            extra = {'latents': latents} if self.objective == 'M2' else {}
            objective = OBJECTIVES[self.objective]
            loss = objective(features, labels, kept, **extra, **self.parameters_of_objective)
        return self.loss_weight * loss


def _build_library_loss(name: str, parameters: dict[str, Any]) -> nn.Module:
    try:
        from pytorch_metric_learning import losses
    except ImportError as error:
        raise ValueError(
            f'objective should be one of {list(OBJECTIVES)}, but got {name!r}; for a loss of '
            "pytorch-metric-learning, run: pip install 'mmdfkd[metric]'"
        ) from error
    loss_class = getattr(losses, name, None)
    if not (inspect.isclass(loss_class) and issubclass(loss_class, nn.Module)):
        raise ValueError(
            f'objective should be one of {list(OBJECTIVES)} or a loss of '
            f'pytorch-metric-learning, but got {name!r}'
        )
    try:
        return loss_class(**parameters)
    except TypeError as error:
        raise ValueError(
            f'parameters of {name} should be those of its constructor, but got '
            f'{sorted(parameters)}: {error}'
        ) from error
