"""Which classes the synthetic samples have, and how sure the teacher is of them."""

import math

import torch
from torch import Tensor

from mmdfkd.evaluation.functional.calibration import confidence_bins, expected_calibration_error
from mmdfkd.registry import METRICS

from .synthetic_metric import State, Summary, SyntheticMetric

_BINS = 15


@METRICS.register_module()
class ClassBalance(SyntheticMetric):
    """Balance of the teacher's decisions, and whether they are the classes asked for.

    The figures:

    - ``min_share``, ``max_share``: of the rarest and the commonest class, in [0, 1].
    - ``entropy``: of the classes' shares, over ``ln K``; in [0, 1], 1 is balanced.
    - ``missing_classes``: how many of the K classes no sample is of.
    - ``confidence``: mean of the teacher's largest probability.
    - ``label_agreement``: share of samples that the teacher decides are of the class asked
      for, in [0, 1]. Only where classes were asked for, and likewise
    - ``calibration_error``: the expected calibration error of the teacher's confidence
      against the class asked for, 15 bins; in [0, 1].

    ``details`` has each class's ``share``, and of each bin ``bin_count``, ``bin_confidence``
    and, where classes were asked for, ``bin_accuracy``; None where a bin is empty.

    Of ``real`` images the class asked for is their label: ``label_agreement_real`` is the
    teacher's accuracy. Arguments as in :class:`SyntheticMetric`.
    """

    default_prefix = 'class_balance'

    def measure(self, sample: dict, places: range) -> State:
        """Count classes, and confidences and hits by bins."""
        # On a CPU sums come out the same each time.
        probabilities = sample['logits'].cpu().double().softmax(1)
        confidences, decisions = probabilities.max(1)
        bins = confidence_bins(confidences, _BINS)
        labels = sample['labels']
        hits = torch.zeros_like(decisions) if labels is None else decisions == labels.cpu()
        state = {
            'classes': decisions.bincount(minlength=probabilities.size(1)),
            'counts': bins.bincount(minlength=_BINS),
            'confidences': bins.bincount(confidences, minlength=_BINS),
            'hits': bins.bincount(hits, minlength=_BINS),
            'asked': torch.tensor(0 if labels is None else len(labels)),
        }
        return {name: value.double() for name, value in state.items()}

    def summarise(self, state: State) -> Summary:
        """Return the figures and the details."""
        classes, counts, confidences, hits = (
            state[name] for name in ('classes', 'counts', 'confidences', 'hits')
        )
        total = counts.sum()
        shares = classes / total
        figures = {
            'min_share': float(shares.min()),
            'max_share': float(shares.max()),
            'entropy': float(-torch.xlogy(shares, shares).sum() / math.log(len(shares))),
            'missing_classes': float((classes == 0).sum()),
            'confidence': float(confidences.sum() / total),
        }
        details = {
            'share': shares.tolist(),
            'bin_count': counts.tolist(),
            'bin_confidence': _means(confidences, counts),
        }
        if state['asked'] == total:
            figures['label_agreement'] = float(hits.sum() / total)
            figures['calibration_error'] = expected_calibration_error(counts, confidences, hits)
            details['bin_accuracy'] = _means(hits, counts)
        return figures, details


def _means(sums: Tensor, counts: Tensor) -> list[float | None]:
    return [float(s / n) if n else None for s, n in zip(sums, counts, strict=True)]
