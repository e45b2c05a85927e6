"""What is found out of names and a file, and what has to be given."""

from pathlib import Path

import own_nets
import pytest
import timm
import torch
import torchvision
import width_nets
from torch import nn

from mmdfkd.config_tools import read_config
from mmdfkd.own_teacher import config_text, find_pair, make_recipe
from mmdfkd.own_teacher.pair import _named, layout_layers
from mmdfkd.registry import MODELS

GIVEN = dict(image_size=8, mean=[120, 110, 100], std=[60, 61, 62.00001])


def test_a_teacher_of_timm_says_all_but_its_size(tmp_path):
    network = timm.create_model('test_resnet', num_classes=7)
    torch.save({'state_dict': network.state_dict()}, tmp_path / 'teacher.pth')
    pair = find_pair('test_resnet', str(tmp_path / 'teacher.pth'), 'test_convnext', image_size=64)
    assert pair.teacher == dict(
        type='mmpretrain.TimmClassifier', model_name='test_resnet', num_classes=7
    )
    assert pair.student == pair.teacher | dict(model_name='test_convnext')
    assert (pair.num_classes, pair.batch_norms, pair.part) == (7, True, False)
    images = pair.images
    assert (images.channels, images.size, images.mean) == (3, 64, [127.5] * 3)
    assert images.resize == 1.0  # timm's is for another size
    assert pair.parameters[0] == sum(p.numel() for p in network.parameters())


def test_without_a_size_it_is_the_librarys(tmp_path):
    torch.save(timm.create_model('test_resnet').state_dict(), tmp_path / 'teacher.pth')
    pair = find_pair('test_resnet', str(tmp_path / 'teacher.pth'), 'test_vit')
    assert (pair.images.size, pair.num_classes) == (160, 1000)
    assert pair.images.resize > 1
    assert pair.student['model_name'] == 'test_vit'


def test_a_network_of_the_users_and_the_same_shallower(tmp_path):
    weights = own_nets.save(own_nets.with_bn, tmp_path / 'teacher.pth')
    pair = find_pair('own_nets:with_bn', weights, **GIVEN)
    assert pair.student == dict(
        type='mmdfkd.without_blocks',
        network=dict(type='own_nets.with_bn'),
        blocks=['1.1', '3.1', '5.1'],
    )
    assert pair.part
    assert pair.num_classes == 3
    assert pair.layout_layers == ['1', '3']  # of 8 and 4 pixels; the last stage has 2
    assert pair.images.std == [60.0, 61.0, 62.0]
    assert pair.parameters[0] > pair.parameters[1]


@pytest.mark.parametrize(
    ('channels', 'part'),
    [
        ([64, 64, 128, 256], True),
        ([32, 64, 128, 256], False),  # a projection after the stem that the teacher has not
    ],
)
def test_a_narrower_student_starts_as_a_part_of_its_teacher(channels, part, tmp_path):
    torch.save(timm.create_model('resnet10t', num_classes=3).state_dict(), tmp_path / 'teacher.pth')
    options = dict(channels=channels)
    weights = str(tmp_path / 'teacher.pth')
    pair = find_pair('resnet10t', weights, 'resnet10t', 32, student_options=options)
    assert pair.part == part
    assert pair.student['channels'] == channels


def test_a_student_with_weights_of_its_own_keeps_them(tmp_path):
    weights = str(tmp_path / 'teacher.pth')
    torch.save(timm.create_model('test_resnet', num_classes=3).state_dict(), weights)
    options = dict(checkpoint_path=weights)
    assert find_pair('test_resnet', weights, 'test_resnet', 32).part
    assert not find_pair('test_resnet', weights, 'test_resnet', 32, student_options=options).part


MMPRETRAINS = """
model = dict(
    type='ImageClassifier',
    pretrained={pretrained!r},
    backbone=dict(
        type='ResNet_CIFAR',
        depth=18,
        base_channels=4,
        stem_channels=4,
        init_cfg={init_cfg!r},
    ),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=32),
)
data_preprocessor = dict(mean=[120.0, 110, 100], std=[60.0, 61, 62], to_rgb=False)
"""
READ = dict(type='Pretrained', checkpoint='imagenet.pth', prefix='backbone')


@pytest.mark.parametrize(
    ('pretrained', 'init_cfg'),
    [(None, READ), ('imagenet.pth', None), (None, [dict(type='Kaiming', layer='Conv2d'), READ])],
)
def test_what_a_teacher_was_fine_tuned_from_is_not_its_students(tmp_path, pretrained, init_cfg):
    config, weights = str(tmp_path / 'tuned.py'), str(tmp_path / 'teacher.pth')
    Path(config).write_text(MMPRETRAINS.format(pretrained=pretrained, init_cfg=init_cfg))
    network = {k: v for k, v in read_config(config).model.to_dict().items() if k != 'pretrained'}
    torch.save(MODELS.build(network | dict(_scope_='mmpretrain')).state_dict(), weights)
    pair = find_pair(config, weights, 'narrower', 32)
    assert pair.part
    assert 'imagenet.pth' not in str((pair.student, pair.teacher))
    assert ('Kaiming' in str(pair.student)) == isinstance(init_cfg, list)
    # A student that is named brings what its own config says.
    assert 'imagenet.pth' in str(_named(config, 3, pair.images, {}))


@pytest.mark.parametrize(
    ('student', 'options'),
    [
        ('test_resnet', dict(num_classes=7)),
        ('test_vit', dict(img_size=64)),
        ('resnet18_8xb16_cifar10', {'head.num_classes': 7}),
    ],
)
def test_options_of_a_student_that_differs_from_its_teacher_are_refused(student, options, tmp_path):
    weights = str(tmp_path / 'teacher.pth')
    torch.save(timm.create_model('test_resnet', num_classes=3).state_dict(), weights)
    told = r'should agree with the teacher’s 3 classes, and images of 3 x 32 x 32, but got {'
    with pytest.raises(ValueError, match=told):
        find_pair('test_resnet', weights, student, 32, student_options=options)


def test_an_option_that_says_the_same_is_taken(tmp_path):
    weights = str(tmp_path / 'teacher.pth')
    torch.save(timm.create_model('test_resnet', num_classes=3).state_dict(), weights)
    options = dict(num_classes=3)
    assert find_pair('test_resnet', weights, 'test_vit', 32, student_options=options)


@pytest.mark.parametrize(
    ('name', 'network', 'final_layer'),
    [
        ('squeezenet1_1', lambda: torchvision.models.squeezenet1_1(num_classes=3), 'classifier.1'),
        ('own_nets:convolutions', own_nets.convolutions, '4'),
    ],
)
def test_a_teacher_whose_last_layer_is_a_convolution(name, network, final_layer, tmp_path):
    torch.save(network().state_dict(), tmp_path / 'teacher.pth')
    given = dict(image_size=32, mean=[120, 110, 100], std=[60, 61, 62])
    pair = find_pair(name, str(tmp_path / 'teacher.pth'), **given)
    assert (pair.num_classes, pair.part) == (3, True)
    (tmp_path / 'mine.py').write_text(config_text(pair, make_recipe(pair, 2), 'mmdfkd distill'))
    model = MODELS.build(read_config(tmp_path / 'mine.py').model)
    for classifier in (model.teacher, model.student):
        assert (classifier.final_layer, classifier.num_classes) == (final_layer, 3)


def test_a_teacher_that_returns_features_before_its_logits_is_refused(tmp_path):
    weights = str(tmp_path / 'teacher.pth')
    torch.save(own_nets.WithFeatures().state_dict(), weights)
    with pytest.raises(ValueError, match=r'got \(2, 8\) first and \(2, 3\), .*; return that first'):
        find_pair('own_nets:WithFeatures', weights, **GIVEN)


def test_grey_images_and_a_student_for_them(tmp_path):
    weights = own_nets.save(own_nets.grey, tmp_path / 'teacher.pth')
    grey = dict(image_size=8, mean=[33], std=[78])
    pair = find_pair(
        'own_nets:grey', weights, 'test_vit', student_options=dict(patch_size=4), **grey
    )
    assert pair.student == dict(
        type='mmpretrain.TimmClassifier',
        model_name='test_vit',
        patch_size=4,
        num_classes=3,
        in_chans=1,
        img_size=8,
    )
    assert pair.images.dark
    assert not pair.batch_norms


def test_whether_images_are_dark_is_asked_where_nothing_says_it(tmp_path):
    weights = own_nets.save(own_nets.grey, tmp_path / 'teacher.pth')
    scaled = dict(image_size=8, mean=[0], std=[255])
    with pytest.raises(ValueError, match='--dark or --no-dark should be given, as mean and std'):
        find_pair('own_nets:grey', weights, **scaled)
    assert not find_pair('own_nets:grey', weights, **scaled, dark=False).images.dark
    digits = dict(image_size=8, mean=[33], std=[78])
    assert not find_pair('own_nets:grey', weights, **digits, dark=False).images.dark
    colour = own_nets.save(own_nets.with_bn, tmp_path / 'colour.pth')
    find_pair('own_nets:with_bn', colour, **GIVEN)
    with pytest.raises(ValueError, match='--dark and --no-dark should be with a teacher without'):
        find_pair('own_nets:with_bn', colour, **GIVEN, dark=False)


def test_one_of_two_networks_in_a_file_is_chosen(tmp_path):
    state = own_nets.with_bn().state_dict()
    averaged = {key: value + 1 for key, value in state.items()}
    path = str(tmp_path / 'two.pth')
    torch.save({'state_dict': state, 'state_dict_ema': averaged}, path)
    with pytest.raises(
        ValueError, match=r"under \['state_dict', 'state_dict_ema'\]; choose one with"
    ):
        find_pair('own_nets:with_bn', path, **GIVEN)
    assert (
        find_pair('own_nets:with_bn', path, **GIVEN, key='state_dict_ema').key == 'state_dict_ema'
    )
    both = {f'{n}.{k}': v for n, w in (('net', state), ('ema', averaged)) for k, v in w.items()}
    torch.save(both, path)
    assert find_pair('own_nets:with_bn', path, **GIVEN, prefix='ema.').prefix == 'ema.'
    with pytest.raises(ValueError, match='--key and --prefix should be with --weights'):
        find_pair('test_resnet', student='test_vit', key='model')


def test_without_blocks_to_leave_out_the_student_is_narrower(tmp_path):
    weights = own_nets.save(own_nets.grey, tmp_path / 'teacher.pth')
    pair = find_pair('own_nets:grey', weights, image_size=8, mean=[33], std=[78])
    assert pair.student == dict(
        type='mmdfkd.narrower', network=dict(type='own_nets.grey'), image_shape=[1, 8, 8], width=0.5
    )
    assert pair.part
    assert pair.parameters == (40 + 36 * 8 + 8 + 27, 20 + 18 * 4 + 4 + 15)


def test_a_network_that_can_be_neither_is_told_why(tmp_path):
    torch.save(width_nets.Concatenated(6).state_dict(), tmp_path / 'teacher.pth')
    given = dict(teacher_options=dict(width=6), **GIVEN)
    with pytest.raises(ValueError, match=r'no blocks to leave out; a Concatenated cannot be made'):
        find_pair('width_nets:Concatenated', str(tmp_path / 'teacher.pth'), **given)


def test_what_nobody_says_has_to_be_given(tmp_path):
    weights = own_nets.save(own_nets.with_bn, tmp_path / 'teacher.pth')
    for name in GIVEN:
        given = GIVEN | {name: None}
        with pytest.raises(ValueError, match=f'--{name.replace("_", "-")} should be given'):
            find_pair('own_nets:with_bn', weights, **given)
    with pytest.raises(ValueError, match=r'--weights should be the file of own_nets:with_bn’s'):
        find_pair('own_nets:with_bn', **GIVEN)


@pytest.mark.parametrize('wrong', [dict(num_classes=5), dict(in_chans=1)])
def test_options_of_a_teacher_that_the_weights_contradict_are_refused(wrong, tmp_path):
    torch.save(timm.create_model('test_resnet', num_classes=3).state_dict(), tmp_path / 'w.pth')
    with pytest.raises(ValueError, match=r'--teacher-options should agree with the weights and'):
        find_pair('test_resnet', str(tmp_path / 'w.pth'), teacher_options=wrong)
    right = dict(num_classes=3)
    pair = find_pair('test_resnet', str(tmp_path / 'w.pth'), teacher_options=right)
    assert pair.num_classes == 3


def test_what_does_not_fit_is_told(tmp_path):
    weights = own_nets.save(own_nets.grey, tmp_path / 'teacher.pth')
    grey = dict(image_size=8, mean=[33], std=[78])
    with pytest.raises(
        ValueError, match=r'cannot be made shallower \(it has no blocks to leave out'
    ):
        find_pair('own_nets:grey', weights, 'shallower', **grey)
    with pytest.raises(ValueError, match='--student-options should be with a --student of its own'):
        find_pair('own_nets:grey', weights, student_options=dict(width=2), **grey)
    with pytest.raises(ValueError, match=r'own_nets:grey should take images of \(1, 12, 12\)'):
        find_pair('own_nets:grey', weights, **(grey | dict(image_size=12)))
    colour = own_nets.save(own_nets.with_bn, tmp_path / 'colour.pth')
    with pytest.raises(ValueError, match=r'--mean and --std with a value a channel'):
        find_pair('own_nets:with_bn', colour, **grey)
    with pytest.raises(ValueError, match=r'the weights should be those of own’s own_nets\.with_bn'):
        find_pair('own_nets:with_bn', weights, **GIVEN)
    torch.save(timm.create_model('test_resnet').state_dict(), tmp_path / 'timms.pth')
    with pytest.raises(ValueError, match='--mean should have a value for each of the 3 channels'):
        find_pair('test_resnet', str(tmp_path / 'timms.pth'), mean=[33])
    with pytest.raises(ValueError, match='the weights or --mean are of 2; give a teacher'):
        find_pair('own_nets:grey', weights, **(grey | dict(mean=[33, 33], std=[78, 78])))


def test_a_name_of_two_libraries_is_the_one_that_the_weights_are_of(tmp_path):
    torch.save(timm.create_model('test_resnet').state_dict(), tmp_path / 'other.pth')
    with pytest.raises(
        ValueError, match=r'those of timm’s resnet18.* And .*those of torchvision’s'
    ):
        find_pair('resnet18', str(tmp_path / 'other.pth'), 'test_resnet')


@pytest.mark.filterwarnings('ignore:The default weight initialization of inception_v3')
def test_of_two_libraries_the_one_that_has_all_keys_is_taken(tmp_path):
    """timm's network has the same names, but no auxiliary head."""
    network = torchvision.models.inception_v3(num_classes=3, init_weights=False)
    torch.save(network.state_dict(), tmp_path / 'teacher.pth')
    pair = find_pair('inception_v3', str(tmp_path / 'teacher.pth'), 'test_resnet', 80)
    assert pair.teacher == dict(type='torchvision.models.inception_v3', num_classes=3)
    assert pair.num_classes == 3


def test_layers_are_the_largest_stages_before_the_last():
    images = torch.rand(1, 3, 64, 64)
    resnet = timm.create_model('resnet18')
    assert layout_layers(resnet, images) == ['layer2', 'layer3']  # of 8 and 4 pixels
    assert layout_layers(timm.create_model('test_vit', img_size=64), images) == []


def test_a_layer_whose_maps_are_changed_in_place_is_not_named():
    """A loss would get the ReLU's, and FeatureMaps refuses them."""
    changed = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    kept = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8), nn.MaxPool2d(2))
    network = nn.Sequential(*changed, *kept, nn.Conv2d(8, 8, 3, padding=1))
    assert layout_layers(network, torch.rand(2, 3, 16, 16)) == ['3']
