"""A student of half the channels, which starts as a part of its teacher."""

import pytest
import torch
from torch import nn
from width_nets import Residual

from mmdfkd.models.classifiers import Classifier, narrower, part_of_teacher, start_as_part
from mmdfkd.registry import MODELS

IMAGES = (3, 32, 32)


@pytest.mark.parametrize(
    ('network', 'part'),
    [
        (dict(type='torchvision.models.vgg11_bn', num_classes=3), 0.3),
        (dict(type='torchvision.models.resnet18', num_classes=3), 0.3),
        (dict(type='mmpretrain.TimmClassifier', model_name='resnet10t', num_classes=3), 0.3),
        (  # depthwise convolutions, squeeze and excitation
            dict(type='mmpretrain.TimmClassifier', model_name='mobilenetv3_small_050'),
            0.5,
        ),
        (
            dict(
                type='mmpretrain.ImageClassifier',
                backbone=dict(type='mmdfkd.WideResNet', depth=10, widen=2),
                head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=128),
            ),
            0.3,
        ),
    ],
)
def test_half_the_channels_start_as_a_part_of_the_whole(network, part):
    teacher = Classifier(MODELS.build(network))
    config = dict(type='mmdfkd.narrower', network=network, image_shape=IMAGES)
    student = Classifier(config, init_from_teacher=True)
    assert student.network.training
    start_as_part(teacher, student, IMAGES)
    sizes = [sum(p.numel() for p in each.parameters()) for each in (student, teacher)]
    assert 0 < sizes[0] < part * sizes[1]
    logits = student(torch.rand(2, *IMAGES)).logits
    assert logits.shape == teacher(torch.rand(2, *IMAGES)).logits.shape
    logits.sum().backward()
    for module in student.modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.size(0) == module.out_channels
            assert module.weight.size(1) * module.groups == module.in_channels


def test_only_its_channels_are_other_than_those_of_a_network_written_so():
    cut = narrower(dict(type='width_nets.Residual', width=6, inner=4), (3, 4, 4)).eval()
    same = Residual(3, 2).eval()
    same.load_state_dict(cut.state_dict())
    images = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(cut(images), same(images), rtol=0, atol=0)
    assert str(cut) == str(same)
    part = part_of_teacher(Residual(6, 4).eval(), cut, images)
    assert {k: v.shape for k, v in part.items()} == {
        k: v.shape for k, v in same.state_dict().items()
    }


@pytest.mark.parametrize(
    ('network', 'why'),
    [
        (dict(type='width_nets.Fixed'), 'a Fixed cannot be made narrower: '),
        (dict(type='width_nets.Concatenated', width=6), 'but got a CatBackward0 in its graph'),
        (dict(type='width_nets.grouped'), 'a convolution has 32 groups'),
    ],
)
def test_a_network_that_cannot_be_is_refused(network, why):
    with pytest.raises(ValueError, match=why):
        narrower(network, IMAGES)


def test_a_width_that_is_none_is_refused():
    with pytest.raises(ValueError, match='width should be over 0 and under 1, but got 1'):
        narrower(dict(type='torchvision.models.resnet18'), IMAGES, width=1)
