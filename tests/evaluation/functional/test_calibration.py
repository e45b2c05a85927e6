import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from mmdfkd.evaluation.functional.calibration import confidence_bins, expected_calibration_error


def calibration_error(confidences, hits, num_bins):
    bins = confidence_bins(confidences, num_bins)
    sums = [bins.bincount(v.double(), minlength=num_bins) for v in (confidences, hits)]
    return expected_calibration_error(bins.bincount(minlength=num_bins), *sums)


def test_bins_are_open_below_and_closed_above():
    confidences = torch.tensor([0.01, 0.25, 0.26, 0.5, 0.75, 0.76, 1.0])
    assert confidence_bins(confidences, 4).tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_as_in_torchmetrics():
    probabilities = (2 * torch.randn(500, 7)).double().softmax(1)
    labels = torch.randint(7, (500,))
    confidences, decisions = probabilities.max(1)
    expected = multiclass_calibration_error(probabilities, labels, num_classes=7, n_bins=15)
    found = calibration_error(confidences, decisions == labels, 15)
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_as_by_hand_with_certain_samples():
    confidences = torch.tensor([1.0, 0.9, 0.3, 0.1], dtype=torch.float64)
    hits = torch.tensor([1, 0, 1, 0])
    # Bins (0, 1/2] and (1/2, 1]: accuracy 1/2 of each, confidence 0.2 and 0.95.
    expected = (abs(0.5 - 0.2) + abs(0.5 - 0.95)) / 2
    assert calibration_error(confidences, hits, 2) == pytest.approx(expected)
