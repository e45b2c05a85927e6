from types import SimpleNamespace

import pytest
from mmpretrain.registry import MODELS
from toy import toy_network

from mmdfkd.datasets import LabelDataset
from mmdfkd.engine.hooks import LabelsHook

HEAD = dict(type='LinearClsHead', num_classes=5, in_channels=512)
CLASSIFIERS = {
    'mmpretrain': dict(
        type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18), head=HEAD
    ),
    'timm': dict(type='TimmClassifier', model_name='test_resnet', num_classes=5),
}


def runner_of(model, classes):
    dataloader = SimpleNamespace(dataset=LabelDataset(classes, 10))
    return SimpleNamespace(model=model, train_dataloader=dataloader, val_loop=None)


@pytest.mark.parametrize('library', CLASSIFIERS)
def test_the_data_have_the_classes_of_the_classifier(library):
    model = MODELS.build(dict(CLASSIFIERS[library], _scope_='mmpretrain'))
    LabelsHook().before_train(runner_of(model, 5))
    with pytest.raises(ValueError, match='5'):
        LabelsHook().before_train(runner_of(model, 7))


def test_a_network_that_does_not_say_its_classes_is_left_alone():
    LabelsHook().before_train(runner_of(toy_network(4), 7))
