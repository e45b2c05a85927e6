"""What cannot be right is refused when a distiller is built, by one pass of a few images."""

import logging

import pytest
import torch
from mmpretrain.models import ClsDataPreprocessor
from torch import nn
from toy import NUM_CLASSES, changed, snapshot, toy_dedfkd, toy_network, toy_parts
from toy_methods import toy_noise

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers.frame.trial import try_networks


def preprocessor(mean, std):
    return ClsDataPreprocessor(mean=[mean] * 3, std=[std] * 3)


@pytest.fixture
def warned(monkeypatch):
    lines = []

    def keep(message, logger, level):
        assert level == logging.WARNING
        lines.append(message)

    monkeypatch.setattr('mmdfkd.models.distillers.frame.trial.print_log', keep)
    return lines


def calibrated(network):
    """The network with batch norms that have seen images, as a trained one's have."""
    network.train()
    for _ in range(60):
        network((torch.randint(256, (16, 3, 8, 8)) - 100.0) / 50 * torch.rand(16, 1, 1, 1))
    return network.eval()


def known():
    return Classifier(calibrated(toy_network(6)))


def test_a_usual_pair_is_built_without_a_word(warned):
    toy_dedfkd(teacher=known())
    assert not warned


@pytest.mark.parametrize('change', [torch.rand_like, lambda w: w.flip(0)])
def test_weights_that_the_batch_norms_do_not_know_are_told(warned, change):
    teacher = known()
    weight = teacher.network[0].weight
    weight.data.copy_(change(weight.data))
    toy_dedfkd(teacher=teacher)
    (line,) = warned
    assert 'are its weights random, permuted or rounded?' in line


def test_a_teacher_that_is_unsure_of_everything_is_told(warned):
    teacher = known()
    for value in teacher.network[-1].parameters():
        value.data *= 0.01
    toy_dedfkd(teacher=teacher)
    (line,) = warned
    assert 'should be surer of some classes than of others' in line


def test_a_mean_of_0_to_1_beside_a_std_in_pixels_is_refused():
    with pytest.raises(ValueError, match='mean of data_preprocessor should be in pixels of 0 to'):
        toy_dedfkd(data_preprocessor=preprocessor(0.5, 50.0))
    toy_dedfkd(data_preprocessor=preprocessor(0.0, 255.0))


def test_the_trial_changes_nothing():
    parts = toy_parts()
    networks = parts['teacher'], parts['student']
    before = [snapshot(network) for network in networks]
    parts['student'].network[1].eval()  # one part alone
    training = [[m.training for m in network.modules()] for network in networks]
    state = torch.get_rng_state()
    try_networks(*networks, lambda pixels: pixels / 50 - 2, (3, 8, 8))
    assert torch.get_rng_state().equal(state)
    for network, weights, modes in zip(networks, before, training, strict=True):
        assert not changed(network, weights)
        assert [m.training for m in network.modules()] == modes
        assert network._features is None


@pytest.mark.parametrize(('mean', 'std'), [(0.4, 0.25), (0.1307, 0.3081), (0.5, 0.5)])
def test_mean_and_std_of_0_to_1_are_refused(mean, std):
    with pytest.raises(ValueError, match=r'in pixels of 0 to 255.*multiply the teacher’s by 255'):
        toy_dedfkd(data_preprocessor=preprocessor(mean, std))


@pytest.mark.parametrize('std', [-1.0, 0.0, float('nan'), float('inf')])
def test_a_std_that_is_none_is_refused(std):
    with pytest.raises(ValueError, match='std of data_preprocessor should be positive'):
        toy_dedfkd(data_preprocessor=preprocessor(100.0, std))


@pytest.mark.parametrize(
    ('mean', 'std'), [(0.0, 1.0), (127.5, 127.5 * 255), (5.0, 50.0 / 255 * 10)]
)
def test_an_unlikely_range_is_told(mean, std, warned):
    toy_dedfkd(data_preprocessor=preprocessor(mean, std))
    line = warned[0]
    assert 'normalise pixels to about -3 to 3' in line


def test_a_normalisation_that_adds_channels_or_pixels_is_refused():
    networks = Classifier(toy_network(6)), Classifier(toy_network(4))
    grey = (1, 8, 8)
    with pytest.raises(ValueError, match=r'of \(1, 8, 8\) makes \(3, 8, 8\)'):
        try_networks(*networks, lambda pixels: pixels.expand(-1, 3, -1, -1) / 50 - 2, grey)
    padded = ClsDataPreprocessor(mean=[100.0] * 3, std=[50.0] * 3, pad_size_divisor=16)
    with pytest.raises(ValueError, match=r'makes \(3, 16, 16\); give mean and std'):
        toy_dedfkd(data_preprocessor=padded)


def test_channels_that_do_not_fit_the_normalisation_are_named():
    bad = ClsDataPreprocessor(mean=[100.0] * 2, std=[50.0] * 2)
    with pytest.raises(
        ValueError, match='data_preprocessor should have mean and std of 3 channels'
    ):
        toy_dedfkd(data_preprocessor=bad)


@pytest.mark.parametrize('name', ['teacher', 'student'])
def test_a_softmax_at_the_end_is_refused(name):
    ends = Classifier(nn.Sequential(toy_network(), nn.Softmax(1)))
    with pytest.raises(ValueError, match=f'the {name} should give logits.*take its softmax off'):
        toy_dedfkd(**{name: ends})


def test_log_probabilities_are_logits():
    model = toy_dedfkd(teacher=Classifier(nn.Sequential(toy_network(), nn.LogSoftmax(1))))
    assert model.teacher.final_layer == '0.5'


@pytest.mark.parametrize('name', ['teacher', 'student'])
def test_images_that_a_network_cannot_take_are_named(name):
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, NUM_CLASSES))
    with pytest.raises(ValueError, match=rf'the {name} should take images of \(3, 8, 8\)'):
        toy_dedfkd(**{name: Classifier(network)})
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(100, NUM_CLASSES))
    with pytest.raises(ValueError, match=rf'the {name} should take.*set image_size and channels'):
        toy_dedfkd(**{name: Classifier(network)})


def test_a_teacher_that_says_nothing_is_refused():
    network = toy_network()
    for value in network[-1].parameters():
        nn.init.zeros_(value)
    with pytest.raises(ValueError, match='the teacher should tell classes apart'):
        toy_dedfkd(teacher=Classifier(network))
    toy_dedfkd(student=Classifier(network))  # it begins so, why not


def test_a_teacher_that_overflows_is_refused():
    network = toy_network()
    nn.init.constant_(network[-1].weight, 3e38)
    with pytest.raises(ValueError, match='the teacher should give finite logits'):
        toy_dedfkd(teacher=Classifier(network))


def test_a_wrong_number_of_classes_is_of_the_layer_that_gives_the_logits():
    """It was taken from the last layer that was registered."""

    class AuxiliaryLast(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = toy_network(4, num_classes=5)
            self.auxiliary = nn.Linear(2, NUM_CLASSES)

        def forward(self, inputs):
            return self.body(inputs)

    with pytest.raises(ValueError, match="'student': 5"):
        toy_dedfkd(student=Classifier(AuxiliaryLast()))


def hugging_face_folder(transformers, folder, num_labels=NUM_CLASSES, **kwargs):
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=8,
        patch_size=4,
        num_labels=num_labels,
    )
    network = kwargs.get('network', transformers.ViTForImageClassification)(config)
    network.to(kwargs.get('dtype', torch.float32)).save_pretrained(folder)
    return dict(type='mmpretrain.HuggingFaceClassifier', model_name=str(folder), pretrained=True)


def test_a_hugging_face_teacher_is_taken_with_the_head_that_it_has(tmp_path):
    transformers = pytest.importorskip('transformers')
    network = hugging_face_folder(transformers, tmp_path)
    assert toy_dedfkd(teacher=Classifier(network), loss_bn=None).num_classes == NUM_CLASSES


def test_a_hugging_face_head_of_other_classes_is_refused(tmp_path):
    transformers = pytest.importorskip('transformers')
    network = hugging_face_folder(transformers, tmp_path, num_labels=5)
    network |= dict(num_labels=NUM_CLASSES, ignore_mismatched_sizes=True)
    with pytest.raises(ValueError, match='has 5 classes, and a head of 3 is random'):
        toy_dedfkd(teacher=Classifier(network), loss_bn=None)
    toy_dedfkd(student=Classifier(network))  # a student may begin with a new head


def test_a_hugging_face_backbone_is_no_teacher(tmp_path):
    transformers = pytest.importorskip('transformers')
    network = hugging_face_folder(transformers, tmp_path, network=transformers.ViTModel)
    network |= dict(num_labels=NUM_CLASSES)
    with pytest.raises(ValueError, match='is a ViTModel, and any head is random'):
        toy_dedfkd(teacher=Classifier(network), loss_bn=None)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_a_half_precision_folder_becomes_float32(tmp_path, dtype):
    transformers = pytest.importorskip('transformers')
    network = hugging_face_folder(transformers, tmp_path, dtype=dtype)
    model = toy_dedfkd(teacher=Classifier(network), loss_bn=None)
    assert {value.dtype for value in model.teacher.parameters()} == {torch.float32}


def timm_network(tmp_path, num_classes):
    timm = pytest.importorskip('timm')
    path = tmp_path / 'timm.pth'
    torch.save(timm.create_model('test_resnet', num_classes=5).state_dict(), path)
    return dict(
        type='mmpretrain.TimmClassifier',
        model_name='test_resnet',
        pretrained=True,
        num_classes=num_classes,
        pretrained_cfg_overlay=dict(file=str(path), num_classes=5, input_size=(3, 32, 32)),
    )


def test_a_timm_head_of_other_classes_is_refused(tmp_path):
    network = timm_network(tmp_path, NUM_CLASSES)
    with pytest.raises(
        ValueError, match='pretrained=True has 5 classes, and a head of 3 is random'
    ):
        toy_dedfkd(teacher=Classifier(network))
    toy_dedfkd(student=Classifier(network))


def test_a_timm_teacher_of_another_size_is_told(tmp_path, warned):
    parts = toy_parts(
        teacher=Classifier(timm_network(tmp_path, 5)), student=Classifier(toy_network(4, 5))
    )
    parts['generator'] = type(parts['generator'])(
        num_classes=5, latent_dim=5, image_size=8, base_channels=2
    )
    toy_dedfkd(**parts)
    line = next(line for line in warned if 'made for' in line)
    assert 'made for, (32, 32), but gets (8, 8)' in line


def test_a_head_that_mmpretrain_s_file_lacks_is_refused(tmp_path):
    network = dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='mmpretrain.ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='mmpretrain.GlobalAveragePooling'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=NUM_CLASSES, in_channels=32),
    )
    state = Classifier(network).network.state_dict()
    path = str(tmp_path / 'a.pth')
    torch.save({k: v for k, v in state.items() if not k.startswith('head')}, path)
    with pytest.raises(ValueError, match=r"has no \['head\.fc\.weight', 'head\.fc\.bias'\]"):
        toy_dedfkd(teacher=Classifier(network | {'pretrained': path}))


def test_one_logit_is_refused():
    parts = dict(teacher=Classifier(toy_network(6, 1)), student=Classifier(toy_network(4, 1)))
    with pytest.raises(ValueError, match=r'a logit of each class, 2 or more, but gives 1; return'):
        toy_noise(**parts)
