import pytest
import timm
import torch
from torch import nn
from torchvision.models import vgg11_bn

from mmdfkd.models.classifiers import Classifier, spare_blocks, start_as_part, without_blocks
from mmdfkd.registry import MODELS

RESNET = dict(type='torchvision.models.resnet18', num_classes=3)


def test_every_second_block_that_keeps_the_shape_is_spare():
    images = torch.rand(1, 3, 32, 32)
    network = MODELS.build(RESNET)
    spare = [f'layer{stage}.1' for stage in (1, 2, 3, 4)]
    assert spare_blocks(network, images) == spare
    assert network.training
    layers = timm.create_model('resnet18', layers=(4, 1, 2, 3), num_classes=3)
    assert spare_blocks(layers, images) == ['layer1.1', 'layer1.3', 'layer3.1', 'layer4.1']
    vit = timm.create_model('test_vit', img_size=32, num_classes=3)
    assert spare_blocks(vit, images) == [f'blocks.{i}' for i in range(1, len(vit.blocks), 2)]


def test_of_windows_that_take_turns_both_kinds_stay():
    name = 'swin_tiny_patch4_window7_224'
    options = dict(embed_dim=12, num_heads=(1, 2, 4, 8), num_classes=3)
    network = timm.create_model(name, **options)
    # The last stage has one window: none is shifted.
    spare = ['layers.2.blocks.2', 'layers.2.blocks.3', 'layers.3.blocks.1']
    assert spare_blocks(network, torch.rand(1, 3, 224, 224)) == spare


def test_layers_that_are_no_blocks_are_not_spare():
    assert spare_blocks(vgg11_bn(num_classes=3), torch.rand(1, 3, 32, 32)) == []


def test_stages_that_are_no_container_are_found_where_their_blocks_follow_each_other():
    network = timm.create_model('regnetx_002', num_classes=3)
    spare = spare_blocks(network, torch.rand(1, 3, 64, 64))
    assert spare == ['s3.b2', 's3.b4', 's4.b2', 's4.b4', 's4.b6']  # and no layer of a block
    # Its one block of a stage has layers alike, which keep the shape.
    assert spare_blocks(timm.create_model('mobilevit_xxs'), torch.rand(1, 3, 64, 64))[0] == (
        'stages.1.1'
    )


class Parallel(nn.Module):
    """Branches alike, of which each takes the images."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.fc = Block(3, 3), Block(3, 3), nn.Linear(3, 2)

    def forward(self, images):
        return self.fc((self.one(images) + self.two(images)).mean((2, 3)))


def test_branches_beside_each_other_are_no_stage():
    assert spare_blocks(Parallel(), torch.rand(1, 3, 8, 8)) == []


class Doubled(nn.Module):
    """Blocks of which the second changes the number of channels."""

    def __init__(self):
        super().__init__()
        blocks = [nn.Module() for _ in range(3)]
        self.blocks = nn.ModuleList(Block(3 + (i > 0), 4) for i in range(len(blocks)))
        self.fc = nn.Linear(4, 2)

    def forward(self, images):
        for block in self.blocks:
            images = block(images)
        return self.fc(images.mean((2, 3)))


class Block(nn.Module):
    def __init__(self, channels, out):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out)

    def forward(self, images):
        return self.norm(self.conv(images))


def test_the_first_block_stays_and_one_that_changes_the_shape_does():
    assert spare_blocks(Doubled(), torch.rand(1, 3, 8, 8)) == ['blocks.1']


def test_blocks_inside_another_that_is_left_out_go_with_it():
    # Its stages are blocks of blocks.
    network = timm.create_model('hgnetv2_b0', num_classes=3)
    spare = spare_blocks(network, torch.rand(1, 3, 64, 64))
    assert 'stages.2.blocks.1' in spare
    assert not any(name.startswith('stages.2.blocks.1.') for name in spare)
    both = ['layer1.1.conv1', 'layer1.1', 'layer2.1', 'layer2.1.conv1']
    built = without_blocks(RESNET, both)
    assert isinstance(built.layer1[1], nn.Identity)
    assert isinstance(built.layer2[1], nn.Identity)


def test_a_student_without_blocks_starts_with_the_weights_of_the_others():
    teacher = Classifier(MODELS.build(RESNET))
    config = dict(type='mmdfkd.without_blocks', network=RESNET, blocks=['layer1.1', 'layer4.1'])
    student = Classifier(config, init_from_teacher=True)
    start_as_part(teacher, student, (3, 32, 32))
    own, source = student.network.state_dict(), teacher.network.state_dict()
    assert set(source) - set(own) == {k for k in source if k.startswith(('layer1.1', 'layer4.1'))}
    assert all(value.equal(source[key]) for key, value in own.items())
    # What is left out is a residual: without it the teacher is its student.
    for name in ('layer1', 'layer4'):
        setattr(teacher.network.get_submodule(name), '1', nn.Identity())
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(
        student.eval()(images).logits, teacher.eval()(images).logits, rtol=0, atol=0
    )


def test_further_arguments_are_the_networks():
    assert without_blocks(RESNET, ['layer1.1'], num_classes=7).fc.out_features == 7


@pytest.mark.parametrize('name', ['layer9.1', ''])
def test_a_block_that_is_not_there_is_named(name):
    with pytest.raises(ValueError, match=r'blocks should name modules of ResNet, but got'):
        without_blocks(RESNET, [name])
