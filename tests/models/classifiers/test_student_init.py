import copy

import pytest
import timm
import torch
from mmpretrain.models import ImageClassifier, LinearClsHead
from toy import toy_dedfkd, toy_network
from width_nets import Concatenated, Residual

from mmdfkd.models.backbones import DAFLLeNet5, ThinResNet, WideResNet
from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.classifiers.student_init import (
    channel_importance,
    part_of_teacher,
    start_as_part,
)


def network(backbone, channels, **options):
    head = dict(type=LinearClsHead, num_classes=10, in_channels=channels)
    return ImageClassifier(backbone=dict(type=backbone, **options), head=head).eval()


def randomised(module):
    """Weights and running statistics of their own for every channel."""
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return module


def test_importance_is_a_mean_over_tensors_in_their_own_units():
    one, other = torch.tensor([[3.0, 0.0], [1.0, 0.0]]), torch.tensor([[10.0, 10, 20, 20]])
    ratings = channel_importance([(one, 0), (other, 1)], width=2)
    assert torch.allclose(ratings, torch.tensor([(9 / 5 + 2 / 5) / 2, (1 / 5 + 8 / 5) / 2]))


def test_a_shallower_student_is_the_teachers_own_layers():
    teacher, student = network(ThinResNet, 64, depth=20), network(ThinResNet, 64, depth=8)
    part = part_of_teacher(randomised(teacher), student, torch.zeros(1, 3, 32, 32))
    assert part.keys() == student.state_dict().keys()
    assert all(torch.equal(part[name], teacher.state_dict()[name]) for name in part)
    student.load_state_dict(part)
    student.backbone.bn1.weight.data.zero_()
    assert teacher.backbone.bn1.weight.all()  # a copy


@torch.no_grad()
def test_dropping_channels_that_do_nothing_changes_nothing():
    """Exact whatever the network: the kept channels are the same ones everywhere."""
    teacher, student = randomised(Residual(6, 4)).eval(), Residual(4, 2).eval()
    for name, channels in (
        ('stem', [1, 4]),
        ('norm', [1, 4]),
        ('back', [1, 4]),
        ('branch', [0, 2]),
    ):
        for parameter in teacher.get_submodule(name).parameters():
            parameter[channels] = 0
    teacher.branch.weight[:, [1, 4]] = 0
    teacher.back.weight[:, [0, 2]] = 0
    teacher.depthwise.weight[[1, 4]] = 0
    teacher.depthwise.bias[[1, 4]] = 0
    teacher.fc.weight.view(5, 6, 4)[:, [1, 4]] = 0
    with torch.enable_grad():
        part = part_of_teacher(teacher, student, torch.zeros(1, 3, 4, 4))
    student.load_state_dict(part)
    images = torch.rand(3, 3, 4, 4)
    assert torch.allclose(student(images), teacher(images), rtol=1e-5)
    assert torch.equal(student.norm.running_var, teacher.norm.running_var[[0, 2, 3, 5]])


@pytest.mark.parametrize(
    ('teacher', 'student', 'shape'),
    [
        (
            (WideResNet, 128, dict(depth=16, widen=2)),
            (WideResNet, 64, dict(depth=16, widen=1)),
            (3, 32, 32),
        ),
        (
            (WideResNet, 128, dict(depth=22, widen=2)),
            (WideResNet, 64, dict(depth=10, widen=1)),
            (3, 32, 32),
        ),
        ((DAFLLeNet5, 84, {}), (DAFLLeNet5, 42, dict(width=0.5)), (1, 32, 32)),
    ],
)
def test_narrower_and_shallower_networks_of_the_configs(teacher, student, shape):
    big, small = (network(kind, channels, **o) for kind, channels, o in (teacher, student))
    part = part_of_teacher(randomised(big), small, torch.zeros(1, *shape))
    small.load_state_dict(part)
    entries = set(big.head.fc.weight.flatten().tolist())
    assert set(small.head.fc.weight.flatten().tolist()) <= entries


def test_networks_that_are_no_part_are_refused():
    images = torch.zeros(1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"should have layers of the teacher .* but got \['stem"):
        part_of_teacher(toy_network(6), Residual(4, 2), images)
    with pytest.raises(ValueError, match='but got a CatBackward0 in its graph'):
        part_of_teacher(Concatenated(6), Concatenated(4), images)
    with pytest.raises(ValueError, match='should differ from the teacher in depth and width only'):
        part_of_teacher(toy_network(4), toy_network(6), images)
    with pytest.raises(ValueError, match='depth and width only'):
        part_of_teacher(toy_network(4, num_classes=5), toy_network(4, num_classes=3), images)


def test_a_distiller_starts_its_student_only_if_asked():
    student = Classifier(toy_network(4), init_from_teacher=True)
    model = toy_dedfkd(student=student)
    model.init_weights()
    teacher = model.teacher.network[0].weight
    assert all((teacher == row).flatten(1).all(1).any() for row in student.network[0].weight)
    assert student.training
    other = toy_dedfkd().student.network[0].weight
    assert not (other[:1] == teacher).flatten(1).all(1).any()


def test_a_student_with_a_checkpoint_is_not_overwritten(tmp_path):
    torch.save(toy_network(4).state_dict(), tmp_path / 'student.pth')
    path = str(tmp_path / 'student.pth')
    student = Classifier(toy_network(4), checkpoint=path, init_from_teacher=True)
    with pytest.raises(ValueError, match='init_from_teacher should be False'):
        start_as_part(Classifier(toy_network(6)), student, (3, 8, 8))


@pytest.mark.parametrize('option', ['pretrained', 'checkpoint_path'])
def test_a_student_whose_network_brings_weights_is_not_overwritten(option, tmp_path):
    path = str(tmp_path / 'student.pth')
    torch.save(timm.create_model('test_resnet').state_dict(), path)
    brings = {
        'checkpoint_path': dict(checkpoint_path=path),
        'pretrained': dict(pretrained=True, pretrained_cfg_overlay=dict(file=path)),
    }
    network = dict(type='mmpretrain.TimmClassifier', model_name='test_resnet')
    student = Classifier(network | brings[option], init_from_teacher=True)
    with pytest.raises(ValueError, match=r'with weights of its own.* leave out these or'):
        start_as_part(Classifier(network), student, (3, 32, 32))


def test_a_student_part_of_which_reads_a_file_is_not_overwritten(tmp_path):
    read = dict(type='Pretrained', checkpoint=str(tmp_path / 'backbone.pth'))
    backbone = dict(type='mmpretrain.ResNet_CIFAR', depth=18, init_cfg=[read])
    head = dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=512)
    config = dict(type='mmpretrain.ImageClassifier', backbone=backbone, head=head)
    student = Classifier(config, init_from_teacher=True)
    assert not student.has_weights  # init_weights() reads them
    with pytest.raises(ValueError, match='init_from_teacher should be False'):
        start_as_part(Classifier(config), student, (3, 32, 32))


def test_a_started_student_can_be_copied():
    student = Classifier(toy_network(4), init_from_teacher=True)
    start_as_part(Classifier(toy_network(6)), student, (3, 8, 8))
    copy.deepcopy(student)


def test_narrower_groups_of_channels_are_refused():
    def network(width):
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, width, 1), torch.nn.Conv2d(width, width, 1, groups=width // 2)
        )

    with pytest.raises(ValueError, match='in groups, but 1 has 2 groups; leave init_from_teacher'):
        part_of_teacher(network(8), network(4), torch.zeros(1, 3, 4, 4))
    assert part_of_teacher(network(8), network(8), torch.zeros(1, 3, 4, 4))


def test_a_network_with_extra_state_is_wrapped():
    class Stated(torch.nn.Linear):
        def get_extra_state(self):
            return {'note': 1}

        def set_extra_state(self, state):
            pass

    network = torch.nn.Sequential(torch.nn.Flatten(), Stated(3 * 8 * 8, 3))
    toy_dedfkd(teacher=Classifier(network), loss_bn=None)
