import copy
from collections import namedtuple
from types import SimpleNamespace

import pytest
import torch
from mmpretrain.structures import DataSample
from torch import nn

from mmdfkd.models.classifiers import Classifier
from mmdfkd.registry import MODELS

NUM_CLASSES = 7


def image_classifier(**head):
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='mmpretrain.ResNet_CIFAR', depth=18, base_channels=4, stem_channels=4),
        neck=dict(type='mmpretrain.GlobalAveragePooling'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=NUM_CLASSES, in_channels=32, **head),
    )


def timm_classifier(name='test_resnet', **kwargs):
    pytest.importorskip('timm')
    return dict(
        type='mmpretrain.TimmClassifier', model_name=name, num_classes=NUM_CLASSES, **kwargs
    )


def torchvision_network(name):
    return dict(type=f'torchvision.models.{name}', num_classes=NUM_CLASSES)


@pytest.fixture
def hugging_face_network(tmp_path):
    transformers = pytest.importorskip('transformers')
    transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        num_labels=NUM_CLASSES,
    ).save_pretrained(tmp_path)
    return dict(type='mmpretrain.HuggingFaceClassifier', model_name=str(tmp_path), pretrained=False)


NETWORKS = {
    'mmpretrain-resnet': image_classifier,
    'timm-resnet': timm_classifier,
    'timm-vit': lambda: timm_classifier('test_vit', img_size=32),
    'torchvision-resnet18': lambda: torchvision_network('resnet18'),
    'torchvision-mobilenet': lambda: torchvision_network('mobilenet_v3_small'),
}


@pytest.fixture
def tiny():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, NUM_CLASSES))


def check_prediction(classifier, inputs):
    logits, features = classifier.eval()(inputs)
    assert classifier._features is None  # or the graph of the pass would live on
    assert logits.shape == (len(inputs), NUM_CLASSES)
    assert classifier.num_classes == NUM_CLASSES
    torch.testing.assert_close(logits, classifier.network(inputs))
    final = classifier.network.get_submodule(classifier.final_layer)
    torch.testing.assert_close(features @ final.weight.T + final.bias, logits, atol=1e-5, rtol=1e-4)
    assert features.grad_fn is not None


@pytest.mark.parametrize('name', NETWORKS)
def test_features_are_what_the_final_layer_makes_logits_of(name):
    check_prediction(Classifier(NETWORKS[name]()), torch.randn(2, 3, 32, 32))


def test_a_hugging_face_network_is_adapted_too(hugging_face_network):
    check_prediction(Classifier(hugging_face_network), torch.randn(2, 3, 32, 32))


def test_a_network_that_is_built_already_is_taken(tiny):
    classifier = Classifier(tiny)
    assert classifier.network is tiny
    check_prediction(classifier, torch.randn(3, 3, 2, 2))


def test_the_registry_builds_it():
    classifier = MODELS.build(dict(type='Classifier', network=image_classifier()))
    assert isinstance(classifier, Classifier)


def test_gradients_of_logits_and_features_reach_the_input(tiny):
    inputs = torch.randn(3, 12, requires_grad=True)
    for output in Classifier(tiny)(inputs):
        (grad,) = torch.autograd.grad(output.square().sum(), inputs, retain_graph=True)
        assert grad.any()


def test_a_failing_pass_does_not_spoil_the_next(tiny):
    classifier, inputs = Classifier(tiny), torch.randn(3, 12)
    expected = classifier(inputs)
    with pytest.raises(RuntimeError):
        classifier(torch.randn(3, 5))
    torch.testing.assert_close(classifier(inputs), expected)


def test_a_copy_has_features_of_its_own(tiny):
    classifier, inputs = Classifier(tiny), torch.randn(3, 12)
    other = copy.deepcopy(classifier)
    nn.init.zeros_(other.network[1].weight)
    nn.init.zeros_(other.network[1].bias)
    assert not other(inputs).features.any()
    assert classifier(inputs).features.any()
    assert classifier._features is other._features is None


def test_predict_fills_scores_and_labels(tiny):
    classifier, inputs = Classifier(tiny), torch.randn(4, 12)
    samples = [DataSample().set_gt_label(i) for i in range(4)]
    results = classifier.predict(inputs, samples)
    scores = classifier(inputs).logits.softmax(1)
    assert len(results) == 4
    for i, (result, sample) in enumerate(zip(results, samples, strict=True)):
        assert result is sample
        assert result.gt_label.tolist() == [i]
        torch.testing.assert_close(result.pred_score, scores[i])
        assert result.pred_label.tolist() == [scores[i].argmax().item()]


def test_predict_makes_samples_where_none_are_given(tiny):
    classifier, inputs = Classifier(tiny), torch.randn(4, 12)
    labels = [sample.pred_label.item() for sample in classifier.predict(inputs)]
    assert labels == tiny(inputs).argmax(1).tolist()


class AuxiliaryLast(nn.Module):
    """Registers an auxiliary head after the one that gives the logits."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(12, 5)
        self.head = nn.Linear(5, NUM_CLASSES)
        self.auxiliary = nn.Linear(5, 2)

    def forward(self, inputs):
        return self.head(self.body(inputs).relu())


def test_the_final_layer_can_be_named():
    classifier = Classifier(AuxiliaryLast(), final_layer='head')
    check_prediction(classifier, torch.randn(2, 12))


def test_a_convolution_can_be_the_final_layer():
    network = Classifier(
        dict(type='torchvision.models.squeezenet1_1', num_classes=NUM_CLASSES),
        final_layer='classifier.1',
    )
    logits, _ = network.eval()(torch.randn(2, 3, 32, 32))
    assert network.num_classes == logits.size(1) == NUM_CLASSES


@pytest.mark.parametrize('name', ['haed', '', 'body.weight'])
def test_a_wrong_name_raises_and_lists_the_last_layers(name):
    with pytest.raises(ValueError, match='final_layer should name') as caught:
        Classifier(AuxiliaryLast(), final_layer=name)
    for part in ('AuxiliaryLast', repr(name), "'head'", "'auxiliary'"):
        assert part in str(caught.value)


def test_a_network_without_a_linear_or_convolutional_layer_raises():
    with pytest.raises(ValueError, match=r'got None; .*layers are \[\]'):
        Classifier(nn.Sequential(nn.BatchNorm2d(3), nn.Flatten()))


def weights_of(classifier):
    return {name: value.clone() for name, value in classifier.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def checkpoint(tmp_path):
    network = MODELS.build(image_classifier())
    network.init_weights()
    path = str(tmp_path / 'weights.pth')
    torch.save({'state_dict': network.state_dict()}, path)
    return path, network.state_dict()


def test_a_checkpoint_is_loaded_at_once_and_survives_init_weights(checkpoint):
    path, state = checkpoint
    classifier = Classifier(image_classifier(), checkpoint=path)
    assert classifier.has_weights
    assert same(state, classifier.network.state_dict())
    classifier.init_weights()
    assert same(state, classifier.network.state_dict())


def test_pretrained_weights_of_mmpretrain_are_loaded_at_once(checkpoint):
    path, state = checkpoint
    classifier = Classifier(image_classifier() | {'pretrained': path})
    assert classifier.has_weights
    assert same(state, classifier.network.state_dict())
    classifier.init_weights()
    assert same(state, classifier.network.state_dict())


def test_a_prefix_of_the_checkpoint_is_stripped(tmp_path, tiny):
    path = str(tmp_path / 'weights.pth')
    torch.save({f'student.{name}': value for name, value in tiny.state_dict().items()}, path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, NUM_CLASSES))
    Classifier(other, checkpoint=path, prefix='student.')
    assert same(tiny.state_dict(), other.state_dict())


@pytest.mark.parametrize('of_timm_itself', [False, True])
def test_a_timm_checkpoint_is_loaded(tmp_path, of_timm_itself):
    """MMPretrain's adapter saves timm's own keys, without its prefix."""
    source, path = MODELS.build(timm_classifier()), str(tmp_path / 'weights.pth')
    torch.save((source.model if of_timm_itself else source).state_dict(), path)
    classifier = Classifier(timm_classifier(), checkpoint=path)
    assert same(source.model.state_dict(), classifier.network.model.state_dict())


@pytest.mark.parametrize('name', ['timm-resnet', 'mmpretrain-resnet', 'torchvision-mobilenet'])
def test_a_network_inside_another_module_can_resume(name):
    source, resumed = (nn.ModuleDict({'student': Classifier(NETWORKS[name]())}) for _ in range(2))
    resumed.load_state_dict(source.state_dict())
    assert same(dict(source.named_parameters()), dict(resumed.named_parameters()))


def test_a_missing_checkpoint_says_how_to_get_it(tiny):
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth.*ask me'):
        Classifier(tiny, checkpoint='nowhere.pth', how_to_get='ask me')


@pytest.mark.parametrize('name', ['timm-resnet', 'torchvision-resnet18'])
def test_init_weights_leaves_networks_of_other_packages_alone(name):
    classifier = Classifier(NETWORKS[name]())
    before = weights_of(classifier)
    classifier.init_weights()
    assert same(before, weights_of(classifier))


def test_init_weights_initialises_an_image_classifier_without_weights():
    classifier = Classifier(
        image_classifier(init_cfg=dict(type='Constant', layer='Linear', val=3.0))
    )
    assert not classifier.has_weights
    classifier.init_weights()
    assert (classifier.network.head.fc.weight == 3).all()


def test_init_weights_leaves_a_built_image_classifier_alone(checkpoint):
    """It counts as having weights, so it must keep them."""
    network = MODELS.build(image_classifier())
    network.load_state_dict(checkpoint[1])
    classifier = Classifier(network)
    assert classifier.has_weights
    classifier.init_weights()
    assert same(checkpoint[1], network.state_dict())


# The final layer is the one whose output is the logits, as one pass shows.


class GatedLast(nn.Module):
    """A squeeze-and-excitation gate, of any width, registered after the head that is used."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Conv2d(3, width, 3)
        self.head = nn.Linear(width, NUM_CLASSES)
        self.gate = nn.Linear(width, width)

    def forward(self, inputs):
        maps = self.body(inputs)
        gate = self.gate(maps.mean((2, 3))).sigmoid()
        return self.head((maps * gate[:, :, None, None]).mean((2, 3)))


class Auxiliary(nn.Module):
    """Gives its logits in a container with those of an auxiliary head."""

    def __init__(self, container):
        super().__init__()
        self.container = container
        self.head = nn.Linear(12, NUM_CLASSES)
        self.auxiliary = nn.Linear(12, NUM_CLASSES)

    def forward(self, inputs):
        return self.container(self.head(inputs), self.auxiliary(inputs))


class Cosine(nn.Module):
    """A cosine classifier: its head is no linear layer."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(12, 5)
        self.head = CosineHead()

    def forward(self, inputs):
        return self.head(self.body(inputs))


class CosineHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(NUM_CLASSES, 5))

    def forward(self, features):
        return 9 * nn.functional.linear(
            nn.functional.normalize(features, dim=1), nn.functional.normalize(self.weight, dim=1)
        )


def probed(network, inputs, **kwargs):
    classifier = Classifier(network, **kwargs)
    logits = classifier.probe(inputs)
    assert classifier.num_classes == logits.size(1)
    prediction = classifier.eval()(inputs)
    torch.testing.assert_close(prediction.logits, logits)
    assert prediction.features.dim() == 2
    return classifier, prediction


@pytest.mark.parametrize('width', [NUM_CLASSES, 4])
def test_a_gate_registered_last_is_not_taken_for_the_head(width):
    classifier, _ = probed(GatedLast(width), torch.randn(2, 3, 8, 8))
    assert classifier.final_layer == 'head'
    check_prediction(classifier, torch.randn(2, 3, 8, 8))


@pytest.mark.parametrize('name', NETWORKS)
def test_a_probe_agrees_with_the_guess(name):
    guessed = Classifier(NETWORKS[name]())
    classifier, _ = probed(guessed.network, torch.randn(2, 3, 32, 32))
    assert classifier.final_layer == guessed.final_layer
    check_prediction(classifier, torch.randn(2, 3, 32, 32))


@pytest.mark.parametrize(
    'container',
    [
        lambda head, auxiliary: (head, auxiliary),
        lambda head, auxiliary: [head, auxiliary],
        lambda head, auxiliary: {'logits': head, 'aux': auxiliary},
        lambda head, auxiliary: {'aux': auxiliary, 'out': head},
        lambda head, auxiliary: SimpleNamespace(loss=None, logits=head),
        namedtuple('Outputs', ['logits', 'aux_logits']),
    ],
)
def test_the_usual_containers_of_logits_are_taken(container):
    network = Auxiliary(container)
    classifier, prediction = probed(network, torch.randn(4, 12))
    assert classifier.final_layer == 'head'
    inputs = torch.randn(4, 12)
    assert classifier(inputs).logits.equal(network.head(inputs))
    assert classifier.predict(inputs)[0].pred_score.shape == (NUM_CLASSES,)
    assert prediction.logits.shape == (4, NUM_CLASSES)


class Features(nn.Module):
    """Gives features beside the logits of as many columns, or of others."""

    def __init__(self, width, order, activation):
        super().__init__()
        self.body = nn.Linear(12, width)
        self.fc = nn.Linear(width, NUM_CLASSES)
        self.order, self.activation = order, activation

    def forward(self, inputs):
        features = self.activation(self.body(inputs))
        given = dict(features=self.activation(features), logits=self.fc(features))
        return tuple(given[name] for name in self.order)


@pytest.mark.parametrize('width', [20, NUM_CLASSES])
@pytest.mark.parametrize('activation', [nn.Identity(), nn.ReLU(), nn.ReLU(inplace=True)])
def test_features_before_the_logits_are_refused(width, activation):
    told = rf'alone or first, but got \(4, {width}\) first and \(4, {NUM_CLASSES}\), which .* fc'
    with pytest.raises(ValueError, match=told):
        Classifier(Features(width, ('features', 'logits'), activation)).probe(torch.randn(4, 12))
    classifier, _ = probed(Features(width, ('logits', 'features'), activation), torch.randn(4, 12))
    assert classifier.final_layer == 'fc'


def test_a_projection_before_the_logits_is_refused():
    class Projected(Auxiliary):
        def __init__(self):
            super().__init__(lambda projection, logits: (projection, logits))
            self.head = nn.Linear(12, 20)

    with pytest.raises(ValueError, match=r'\(4, 20\) first and .*the layer auxiliary gives'):
        Classifier(Projected()).probe(torch.randn(4, 12))


@pytest.mark.parametrize('named', [None, '0'])
def test_a_sigmoid_at_the_end_is_refused(named):
    network = nn.Sequential(nn.Linear(12, NUM_CLASSES), nn.Sigmoid())
    with pytest.raises(ValueError, match=r'are the sigmoid of what its layer 0 gives; take its'):
        Classifier(network, final_layer=named).probe(torch.randn(4, 12))


@pytest.mark.parametrize(
    ('container', 'got'),
    [
        (lambda head, auxiliary: {'a': head}, r"a mapping of \['a'\]"),
        (lambda head, auxiliary: 'logits', 'str'),
        (lambda head, auxiliary: [], 'list'),
    ],
)
def test_other_outputs_are_named(container, got):
    with pytest.raises(ValueError, match=f'should return logits, or a container.*got {got}'):
        Classifier(Auxiliary(container)).probe(torch.randn(4, 12))


def test_logits_of_another_shape_are_named():
    network = nn.Sequential(nn.Conv2d(3, NUM_CLASSES, 1), nn.Linear(8, 8))
    with pytest.raises(
        ValueError, match=r'logits of the shape \(2, classes\), but got \(2, 7, 8, 8\)'
    ):
        Classifier(network).probe(torch.randn(2, 3, 8, 8))


def test_features_of_a_convolution_that_classifies_are_pooled():
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.Conv2d(6, NUM_CLASSES, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    inputs = torch.randn(2, 3, 8, 8)
    _, prediction = probed(network, inputs, final_layer='1')
    torch.testing.assert_close(prediction.features, network[0](inputs).mean((2, 3)))


@pytest.mark.parametrize('inplace', [True, False])
def test_without_linear_layers_the_last_convolution_is_found(inplace):
    """As of SqueezeNet, a ReLU may follow it."""
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3),
        nn.Conv2d(6, NUM_CLASSES, 1),
        nn.ReLU(inplace),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    inputs = torch.randn(2, 3, 8, 8)
    classifier, prediction = probed(network, inputs)
    assert classifier.final_layer == '1'
    torch.testing.assert_close(prediction.features, network[0](inputs).mean((2, 3)))


def test_a_convolution_is_found_beside_gates():
    class Convolved(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Linear(3, 3)
            self.head = nn.Conv2d(3, NUM_CLASSES, 1)

        def forward(self, inputs):
            return self.head(inputs * self.gate(inputs.mean((2, 3)))[..., None, None]).mean((2, 3))

    classifier, prediction = probed(Convolved(), torch.randn(2, 3, 8, 8))
    assert classifier.final_layer == 'head'
    assert prediction.features.shape == (2, 3)


@pytest.mark.parametrize('named', [None, 'head'])
def test_a_cosine_classifier_is_found_or_named(named):
    inputs = torch.randn(2, 12)
    network = Cosine()
    classifier, prediction = probed(network, inputs, final_layer=named)
    assert classifier.final_layer == 'head'
    torch.testing.assert_close(prediction.features, network.body(inputs))


def test_a_scale_may_follow_the_head():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(12, NUM_CLASSES)

        def forward(self, inputs):
            return 3 * self.head(inputs)

    classifier, prediction = probed(Scaled(), torch.randn(2, 12))
    assert classifier.final_layer == 'head'
    assert prediction.features.shape == (2, 12)


def test_where_no_layer_gives_the_logits_one_should_be_named():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.other = nn.Linear(12, 4), nn.Linear(12, 3)

        def forward(self, inputs):
            return torch.cat([self.one(inputs), self.other(inputs)], 1)

    with pytest.raises(
        ValueError, match=r"7 logits, but got None.*set final_layer=.*\['one', 'other'\]"
    ):
        Classifier(Twice()).probe(torch.randn(2, 12))


@pytest.mark.parametrize(
    ('named', 'why'), [('body', r'\(2, 5\)'), ('auxiliary', 'it is not passed')]
)
def test_a_named_layer_that_gives_no_logits_is_refused(named, why):
    with pytest.raises(ValueError, match=f'got {named!r}: it gives .*{why}'):
        Classifier(AuxiliaryLast(), final_layer=named).probe(torch.randn(2, 12))
