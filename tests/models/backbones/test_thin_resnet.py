import os
from pathlib import Path

import numpy as np
import pytest
import torch
from mmpretrain.models import ClsDataPreprocessor, ImageClassifier, LinearClsHead

from mmdfkd.models.backbones import ThinResNet
from mmdfkd.models.classifiers import Classifier

DATA = Path(os.environ.get('MMDFKD_TEST_DATA', 'data'))
MEAN = [123.675, 116.28, 103.53]
STD = [58.395, 57.12, 57.375]


def classifier(depth, **kwargs):
    network = dict(
        type=ImageClassifier,
        backbone=dict(type=ThinResNet, depth=depth),
        head=dict(type=LinearClsHead, num_classes=10, in_channels=64),
    )
    return Classifier(network, **kwargs)


@pytest.mark.parametrize(('depth', 'millions'), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85)])
def test_sizes_are_the_papers(depth, millions):
    model = classifier(depth)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    assert round(size, 2) == millions
    logits, features = model(torch.randn(2, 3, 32, 32))
    assert (logits.shape, features.shape) == ((2, 10), (2, 64))


def test_a_depth_of_another_form_is_an_error():
    with pytest.raises(ValueError, match='depth should be 6n'):
        ThinResNet(18)


@pytest.mark.parametrize(('depth', 'expected'), [(20, 91.73), (56, 93.39)])
def test_public_weights_reproduce_their_accuracy(depth, expected):
    weights = DATA / f'teachers/resnet{depth}_cifar10.th'
    images = DATA / 'cifar10_test_2k.npz'
    if not weights.exists() or not images.exists():
        pytest.skip(f'no {weights} or {images}; set MMDFKD_TEST_DATA to their folder')
    model = classifier(depth, checkpoint=str(weights), prefix='module.').eval()
    archive = np.load(images)
    pixels = torch.from_numpy(archive['images']).permute(0, 3, 1, 2)
    inputs = ClsDataPreprocessor(mean=MEAN, std=STD)({'inputs': pixels})['inputs']
    with torch.no_grad():
        decisions = torch.cat([model(batch).logits.argmax(1) for batch in inputs.split(500)])
    accuracy = 100 * (decisions.numpy() == archive['labels']).mean()
    assert accuracy == pytest.approx(expected, abs=1.0)  # a fifth of the test set
    print(f'ResNet-{depth}: {accuracy:.2f} % on the 2k subset')
