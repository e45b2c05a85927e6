import pytest
import torch

from mmdfkd.models.losses import MetricLearningLoss
from mmdfkd.models.losses import metric_functions as M
from mmdfkd.models.losses.metric_learning import confident

OBJECTIVES = ['M1', 'M2', 'M3', 'M4', 'M5']
PAIR_LOSSES = ['MultiSimilarityLoss', 'SupConLoss', 'TripletMarginLoss', 'ContrastiveLoss']
PROXY_LOSSES = ['ProxyAnchorLoss', 'ArcFaceLoss', 'CosFaceLoss', 'ProxyNCALoss', 'SoftTripleLoss']
PROXIES = {'num_classes': 3, 'embedding_size': 5}


def batch(num=9, passing=None):
    """Features, logits, labels and latents; only samples of ``passing`` pass a gate of 0.7."""
    labels = torch.arange(num) % 3
    logits = 20 * torch.nn.functional.one_hot(labels, 3).float()
    if passing is not None:
        behind = [i for i in range(num) if i not in passing]
        logits[behind] = 0.0
    return torch.randn(num, 5, requires_grad=True), logits, labels, torch.randn(num, 4)


def build(objective, **kwargs):
    if objective.endswith('Loss'):
        pytest.importorskip('pytorch_metric_learning')
    if objective in PROXY_LOSSES:
        kwargs = PROXIES | kwargs
    return MetricLearningLoss(objective, **kwargs)


@pytest.mark.parametrize('num_classes', [3, 5])
def test_the_gate_asks_for_the_label_and_for_confidence(num_classes):
    logits, labels = 3 * torch.randn(200, num_classes), torch.randint(num_classes, (200,))
    expected = []
    for row, label in zip(logits, labels, strict=True):
        probabilities = row.softmax(0)
        right = all(probabilities[label] >= other for other in probabilities)
        expected.append(bool(right and probabilities[label] > 0.7))
    kept = confident(logits.requires_grad_(), labels, gate=0.7)
    assert kept.tolist() == expected
    assert 10 < sum(expected) < 190
    assert not kept.requires_grad


def test_a_gate_of_zero_keeps_every_right_decision():
    logits = torch.tensor([[0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [9.0, 0.0, 0.0]])
    assert confident(logits, torch.tensor([0, 0, 1]), gate=0.0).tolist() == [True, False, False]


def test_the_gate_is_exclusive():
    logits = torch.tensor([[3.0, 1.0]]).log()  # confidence 3/4
    confidence = logits.softmax(1).max().item()
    assert confident(logits, torch.tensor([0]), gate=confidence - 1e-3).all()
    assert not confident(logits, torch.tensor([0]), gate=confidence).any()


@pytest.mark.parametrize(
    ('objective', 'function'),
    [
        ('M1', M.intra_class_repulsion),
        ('M3', M.reversed_triplet),
        ('M4', M.bounded_two_margin),
        ('M5', M.supervised_contrastive),
    ],
)
def test_names_stand_for_objectives_of_the_kept_samples(objective, function):
    features, logits, labels, latents = batch(passing=[0, 1, 2, 3, 4, 6])
    loss = MetricLearningLoss(objective, loss_weight=1.5)(features, logits, labels, latents)
    kept = torch.tensor([i in (0, 1, 2, 3, 4, 6) for i in range(9)])
    torch.testing.assert_close(loss, 1.5 * function(features, labels, kept))


def test_m2_uses_the_latents():
    features, logits, labels, latents = batch()
    loss = MetricLearningLoss('M2')
    expected = M.mode_seeking(features, labels, torch.ones(9, dtype=torch.bool), latents)
    torch.testing.assert_close(loss(features, logits, labels, latents), expected)
    torch.testing.assert_close(loss(features, logits, labels, 2 * latents), 2 * expected)


@pytest.mark.parametrize(
    ('objective', 'parameters'),
    [
        ('M3', {'margin': 0.5}),
        ('M4', {'spread': 0.9, 'separation': 0.6}),
        ('M5', {'temperature': 0.5}),
        ('TripletMarginLoss', {'margin': 0.5}),
    ],
)
def test_parameters_reach_the_objective(objective, parameters):
    args = batch()
    with_parameters = build(objective, **parameters)(*args)
    assert with_parameters != build(objective)(*args)
    assert with_parameters.isfinite()


@pytest.mark.parametrize('name', PAIR_LOSSES)
def test_a_library_loss_sees_the_kept_samples(name):
    losses = pytest.importorskip('pytorch_metric_learning.losses')
    features, logits, labels, latents = batch(passing=[0, 1, 3, 4, 8])
    loss = build(name, loss_weight=0.5)(features, logits, labels, latents)
    kept = [0, 1, 3, 4, 8]
    expected = 0.5 * getattr(losses, name)()(features[kept], labels[kept])
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, features), torch.autograd.grad(expected, features)
    )


@pytest.mark.parametrize('name', PROXY_LOSSES)
def test_a_library_loss_may_have_weights_of_its_own(name):
    loss = build(name)
    assert len(list(loss.parameters())) > 0
    features, *others = batch()
    loss(features, *others).backward()
    for weight in (features, *loss.parameters()):
        assert weight.grad.isfinite().all()
        assert weight.grad.any()


@pytest.mark.parametrize('objective', OBJECTIVES + PAIR_LOSSES + PROXY_LOSSES)
@pytest.mark.parametrize('num', [1, 9])
def test_nothing_passing_the_gate_gives_zero_with_a_graph(objective, num):
    features, *others = batch(num, passing=[])
    loss = build(objective)(features, *others)
    loss.backward()
    assert loss == 0
    assert not features.grad.any()


@pytest.mark.parametrize('objective', OBJECTIVES + PAIR_LOSSES)
@pytest.mark.parametrize('passing', [[4], [0, 1, 2]])
def test_no_pair_of_a_class_gives_a_finite_gradient(objective, passing):
    features, *others = batch(passing=passing)
    loss = build(objective)(features, *others)
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    if objective in OBJECTIVES:
        assert loss == 0
        assert not features.grad.any()


@pytest.mark.parametrize('objective', OBJECTIVES + PAIR_LOSSES + PROXY_LOSSES)
def test_identical_features_have_finite_gradients(objective):
    _, *others = batch()
    features = torch.ones(9, 5, requires_grad=True)
    build(objective)(features, *others).backward()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize('objective', ['M1', 'M4', 'MultiSimilarityLoss'])
def test_large_half_precision_features_stay_finite(objective):
    """Their sum exceeds what half precision can hold."""
    _, logits, labels, latents = batch()
    features = torch.full((9, 5), 6e4).mul(torch.rand(9, 5)).half().requires_grad_()
    loss = build(objective)(features, logits, labels, latents)
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize('objective', ['M6', 'm4', 'TripletLoss', 'arcface_loss', 'np'])
def test_an_unknown_objective_raises(objective):
    with pytest.raises(ValueError, match=rf"'M1'.*'M5'.* but got '{objective}'"):
        MetricLearningLoss(objective)


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pytorch_metric_learning', None)
    with pytest.raises(ValueError, match=r"pip install 'mmdfkd\[metric\]'"):
        MetricLearningLoss('SupConLoss')


@pytest.mark.parametrize(
    ('objective', 'parameters', 'accepted'),
    [
        ('M1', {'margin': 1.0}, ''),
        ('M2', {'latents': torch.zeros(1)}, ''),
        ('M3', {'spread': 1.0}, 'margin'),
        ('M4', {'margin': 1.0}, 'spread'),
        ('M5', {'tau': 1.0}, 'temperature'),
        ('TripletMarginLoss', {'marginn': 1.0}, ''),
    ],
)
def test_an_unknown_parameter_raises(objective, parameters, accepted):
    (name,) = parameters
    with pytest.raises(ValueError, match=f'(?s){objective}.*{accepted}.*{name}'):
        build(objective, **parameters)


@pytest.mark.parametrize('gate', [-0.1, 1.0, 2])
def test_a_gate_out_of_range_raises(gate):
    with pytest.raises(ValueError, match=rf'gate should be in \[0, 1\), but got {gate}'):
        MetricLearningLoss(gate=gate)


@pytest.mark.parametrize('name', ['TupletMarginLoss', 'CircleLoss', 'NTXentLoss'])
def test_a_library_loss_is_the_same_under_autocast(name):
    pytest.importorskip('pytorch_metric_learning')
    draw = torch.Generator().manual_seed(1)
    labels = torch.arange(64) % 5
    centres = torch.rand(5, 32, generator=draw)[labels]
    features = (centres * (1 + 0.05 * torch.randn(64, 32, generator=draw))).clamp_min(0)
    logits = 20.0 * torch.nn.functional.one_hot(labels, 5)
    found = []
    for enabled in (False, True):
        inputs = features.clone().requires_grad_()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=enabled):
            loss = MetricLearningLoss(name, gate=0.0)(inputs, logits, labels, torch.rand(64, 4))
        loss.backward()
        found.append((loss.detach(), inputs.grad))
    assert found[0][0] == found[1][0]
    assert found[0][1].isfinite().all()
    assert found[0][1].equal(found[1][1])
