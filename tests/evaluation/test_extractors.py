import hashlib
import sys
from pickle import UnpicklingError

import pytest
import timm
import torch
from mmpretrain.models import ClsDataPreprocessor, LeNet5, TimmClassifier
from torch import nn
from toy import toy_network

from mmdfkd.downloads import cached_place
from mmdfkd.evaluation import ClassifierExtractor, InceptionExtractor, extractors
from mmdfkd.evaluation.extractors import weights_digest
from mmdfkd.models.classifiers import Classifier

PREPROCESSOR = dict(type=ClsDataPreprocessor, mean=[100.0] * 3, std=[50.0] * 3)


def test_inception_is_torch_fidelitys(inception_weights):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    extractor = InceptionExtractor(inception_weights)
    theirs = FeatureExtractorInceptionV3('name', ['2048', 'logits_unbiased'], inception_weights)
    pixels = torch.randint(256, (2, 3, 16, 16), dtype=torch.uint8)
    logits, features = extractor(pixels.float() + 0.4)  # rounded away
    expected_features, expected_logits = theirs(pixels)
    assert features.equal(expected_features)
    assert features.shape == (2, extractor.num_features)
    assert features.std() > 0.01  # signals pass
    assert logits.equal(expected_logits)
    assert not any(p.requires_grad for p in extractor.parameters())
    assert 'Inception-v3' in extractor.protocol
    assert '299' in extractor.protocol


def test_inception_repeats_grey_to_rgb(inception_weights):
    extractor = InceptionExtractor(inception_weights)
    grey = torch.rand(2, 1, 16, 16) * 255
    assert extractor(grey).features.equal(extractor(grey.repeat(1, 3, 1, 1)).features)


def test_inception_without_weights_says_where_to_put_them(tmp_path, monkeypatch):
    pytest.importorskip('torch_fidelity')

    def refuse(*args, **kwargs):
        raise OSError('no route to host')

    monkeypatch.setattr('torch.hub._hub_dir', str(tmp_path / 'hub'))
    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)
    place = tmp_path / 'hub/checkpoints/[0-9a-f]+/weights-inception-2015-12-05-6726825d.pth'
    with pytest.raises(FileNotFoundError, match=rf'bring the file to {place}.*torch-fidelity'):
        InceptionExtractor()
    with pytest.raises(FileNotFoundError, match=r'absent\.pth, but no file is there; it is'):
        InceptionExtractor(str(tmp_path / 'absent.pth'))


def test_inception_reads_its_weights_from_the_cache_of_downloads(
    tmp_path, monkeypatch, inception_weights
):
    monkeypatch.setattr('torch.hub._hub_dir', str(tmp_path))
    module = sys.modules['torch_fidelity.feature_extractor_inceptionv3']
    place = cached_place(module.URL_INCEPTION_V3)
    assert tmp_path in place.parents
    place.parent.mkdir(parents=True)
    place.symlink_to(inception_weights)
    with pytest.raises(ValueError, match='should have the SHA-256 6726825d0af5f729'):
        InceptionExtractor()
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    monkeypatch.setattr(extractors, 'INCEPTION_SHA256', digest)
    assert InceptionExtractor().protocol == InceptionExtractor(inception_weights).protocol


def test_inception_loads_safely(tmp_path, malicious, proves_malice):
    pytest.importorskip('torch_fidelity')
    payload, proof = malicious
    proves_malice(payload, proof)
    torch.save({'state_dict': payload}, tmp_path / 'weights.pth')
    with pytest.raises(UnpicklingError, match='could run code'):
        InceptionExtractor(str(tmp_path / 'weights.pth'))
    assert not proof.exists()


def test_inception_wants_inceptions_weights(tmp_path):
    pytest.importorskip('torch_fidelity')
    torch.save({}, tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='missing keys'):
        InceptionExtractor(str(tmp_path / 'weights.pth'))


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch_fidelity.feature_extractor_inceptionv3', None)
    with pytest.raises(ImportError, match=r'mmdfkd\[figures\]'):
        InceptionExtractor()


def test_a_classifier_normalises_and_resizes(tmp_path):
    network = toy_network().eval()
    torch.save(network.state_dict(), tmp_path / 'weights.pth')
    config = dict(type=Classifier, network=toy_network(), checkpoint=str(tmp_path / 'weights.pth'))
    images = torch.rand(2, 3, 8, 8) * 255
    extractor = ClassifierExtractor(config, PREPROCESSOR)
    logits, features = extractor(images)
    torch.testing.assert_close(logits, network((images - 100) / 50))
    assert features.shape == (2, extractor.num_features)

    larger = ClassifierExtractor(config, PREPROCESSOR, image_size=12)
    resized = torch.nn.functional.interpolate(images, (12, 12), mode='bilinear', antialias=True)
    torch.testing.assert_close(larger(images), extractor(resized))
    assert '12' in larger.protocol
    assert larger.protocol != extractor.protocol

    grey = images[:, :1]
    torch.testing.assert_close(extractor(grey), extractor(grey.repeat(1, 3, 1, 1)))


def test_the_protocol_tells_what_changes_the_features():
    """What is known of real images is kept by it."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 6))
    smooth = nn.Sequential(*network[:2], nn.GELU(), network[3])
    protocols = {
        ClassifierExtractor(Classifier(net, final_layer=layer), PREPROCESSOR | order).protocol
        for net in (network, smooth)
        for layer in (None, '1')
        for order in ({}, dict(to_rgb=True))
    }
    assert len(protocols) == 8


def test_a_timm_classifier_from_a_file(tmp_path):
    network = timm.create_model('test_resnet', num_classes=5).eval()
    torch.save(network.state_dict(), tmp_path / 'weights.pth')
    extractor = ClassifierExtractor(
        dict(
            type=Classifier,
            network=dict(type=TimmClassifier, model_name='test_resnet', num_classes=5),
            checkpoint=str(tmp_path / 'weights.pth'),
        ),
        PREPROCESSOR,
        image_size=64,
    )
    images = torch.rand(2, 3, 32, 32) * 255
    resized = torch.nn.functional.interpolate(images, (64, 64), mode='bilinear', antialias=True)
    inputs = (resized - 100) / 50
    with torch.no_grad():
        logits, features = extractor(images)
        torch.testing.assert_close(logits, network(inputs))
        pooled = network.forward_head(network.forward_features(inputs), pre_logits=True)
    torch.testing.assert_close(features, pooled)
    assert features.shape == (2, extractor.num_features)
    assert 'resize: bilinear, antialiased to 64' in extractor.protocol


def test_a_classifier_without_weights_is_an_error():
    config = dict(type=Classifier, network=dict(type=LeNet5, num_classes=10))
    with pytest.raises(ValueError, match='checkpoint=None'):
        ClassifierExtractor(config, PREPROCESSOR)


def test_the_digest_is_of_names_and_values():
    network = toy_network()
    before = weights_digest(network)
    assert weights_digest(network) == before
    network[1].running_mean[0] += 1e-6
    assert weights_digest(network) != before


def test_the_normalisation_moves_with_the_extractor():
    extractor = ClassifierExtractor(Classifier(toy_network()), PREPROCESSOR).to('meta')
    moved = extractor(torch.rand(2, 3, 8, 8))  # on the CPU; the preprocessor brings it over
    assert moved.features.device.type == 'meta'


class GateLast(nn.Module):
    """A gate is registered after the head."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 5)
        self.gate = nn.Linear(3, 3)

    def forward(self, inputs):
        means = inputs.mean((2, 3))
        return self.head(means * self.gate(means))


def test_features_of_another_layer_are_refused():
    """They were taken in silence."""
    normal = ClsDataPreprocessor(mean=[100.0] * 3, std=[50.0] * 3)
    extractor = ClassifierExtractor(Classifier(GateLast()), normal)
    images = torch.rand(4, 3, 8, 8) * 255
    with pytest.raises(ValueError, match="taken to be 'gate', but it is 'head'; set it"):
        extractor(images)
    named = ClassifierExtractor(Classifier(GateLast(), final_layer='head'), normal)
    assert named(images).features.shape == (4, named.num_features)
