import json
import math

import pytest
import torch
from synthetic_samples import evaluate, part, samples
from torchmetrics.functional.classification import multiclass_calibration_error
from toy import toy_dedfkd
from toy_images import Pixels

from mmdfkd.evaluation import ClassBalance


def test_as_in_loops():
    sample = samples(50, classes=5)
    metric = ClassBalance()
    figures = evaluate(metric, sample)
    decisions = [int(row.argmax()) for row in sample['logits']]
    shares = [sum(d == c for d in decisions) / 50 for c in range(5)]
    assert metric.details['share'] == pytest.approx(shares)
    assert figures['min_share'] == pytest.approx(min(shares))
    assert figures['max_share'] == pytest.approx(max(shares))
    entropy = -sum(s * math.log(s) for s in shares if s) / math.log(5)
    assert figures['entropy'] == pytest.approx(entropy)
    assert figures['missing_classes'] == shares.count(0)
    hits = [d == int(y) for d, y in zip(decisions, sample['labels'], strict=True)]
    assert figures['label_agreement'] == pytest.approx(sum(hits) / 50)
    confidences = [float(row.softmax(0).max()) for row in sample['logits']]
    assert figures['confidence'] == pytest.approx(sum(confidences) / 50)
    probabilities = sample['logits'].double().softmax(1)
    error = multiclass_calibration_error(probabilities, sample['labels'], 5, n_bins=15)
    assert figures['calibration_error'] == pytest.approx(float(error))
    low, high = 9 / 15, 10 / 15
    members = [i for i in range(50) if low < confidences[i] <= high]
    assert metric.details['bin_count'][9] == len(members) > 0
    expected = sum(hits[i] for i in members) / len(members)
    assert metric.details['bin_accuracy'][9] == pytest.approx(expected)
    expected = sum(confidences[i] for i in members) / len(members)
    assert metric.details['bin_confidence'][9] == pytest.approx(expected)
    json.dumps(metric.details)


def test_batches_make_no_difference_and_nothing_is_left_over():
    sample, metric = samples(), ClassBalance()
    whole = evaluate(metric, sample)
    details = metric.details
    assert evaluate(metric, part(sample, 0, 7), part(sample, 7, 24)) == pytest.approx(whole)
    assert metric.details['share'] == details['share']


def test_without_asked_classes():
    sample, metric = samples(labels=None), ClassBalance()
    figures = evaluate(metric, sample)
    assert set(figures) == {'min_share', 'max_share', 'entropy', 'missing_classes', 'confidence'}
    assert 'bin_accuracy' not in metric.details


def test_real_images_beside():
    model = toy_dedfkd().eval()
    metric = ClassBalance(real=dict(type=Pixels, number=40))
    metric.bind(model)
    figures = evaluate(metric, samples(30, classes=3))
    images = torch.stack([item['inputs'] for item in metric.real.subset(30).dataset]).float()
    labels = torch.tensor([int(i) % 3 for i in metric.real.subset(30).dataset.indices])
    of_real = dict(
        images=images, labels=labels, logits=model.teacher(model.normalize(images)).logits
    )
    expected = evaluate(ClassBalance(), samples(30, classes=3, **of_real))
    assert {k: figures[f'{k}_real'] for k in expected} == pytest.approx(expected)
    assert sum(metric.details['share_real']) == pytest.approx(1)


def test_one_class_only():
    logits = torch.tensor([[60.0, 0.0, 0.0]]).repeat(6, 1)
    figures = evaluate(ClassBalance(), samples(6, 3, logits=logits))
    assert figures == pytest.approx(
        dict(
            min_share=0,
            max_share=1,
            entropy=0,
            missing_classes=2,
            label_agreement=1 / 3,
            confidence=1,
            calibration_error=2 / 3,
        )
    )


def test_balance_is_an_entropy_of_one():
    logits = 20 * torch.eye(3).repeat(2, 1)
    figures = evaluate(ClassBalance(), samples(6, 3, logits=logits))
    assert figures['entropy'] == pytest.approx(1)
    assert figures['label_agreement'] == 1
    assert figures['calibration_error'] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize('name', ['images', 'logits', 'features', 'student_logits'])
def test_nan_is_an_error(name):
    sample = samples()
    sample[name][[2, 5]] = torch.nan
    with pytest.raises(ValueError, match=f'{name} of synthetic samples should be finite.* 2 of 24'):
        ClassBalance().process(None, [sample])


@pytest.mark.filterwarnings('ignore')
def test_no_samples_are_an_error():
    with pytest.raises(ValueError, match='ClassBalance should get synthetic samples, but got none'):
        ClassBalance().evaluate(0)
