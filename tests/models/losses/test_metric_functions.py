"""Every objective against plain loops, in double precision where the loops are."""

import pytest
import torch
from torch import nn

from mmdfkd.models.losses import metric_functions as M


def distance(features, i, j):
    cosine = features[i] @ features[j] / (features[i].norm() * features[j].norm())
    return 1 - cosine


def pairs(labels, kept):
    """Lists of (anchor, positives, negatives) of the kept samples."""
    members = [i for i in range(len(labels)) if kept[i]]
    return [
        (
            a,
            [i for i in members if i != a and labels[i] == labels[a]],
            [i for i in members if labels[i] != labels[a]],
        )
        for a in members
    ]


def mean(values, features):
    return sum(values) / len(values) if values else features.sum() * 0


def hinge(value):
    return value if value > 0 else value * 0


def m1_reference(features, labels, kept):
    classes = []
    for c in sorted({int(label) for label in labels}):
        members = [i for i in range(len(labels)) if kept[i] and labels[i] == c]
        similarities = [1 - distance(features, i, j) for i in members for j in members if i != j]
        if similarities:
            classes.append(sum(similarities) / len(similarities))
    return mean(classes, features)


def m2_reference(features, labels, kept, latents):
    ratios = []
    for a, positives, _ in pairs(labels, kept):
        for p in positives:
            unit_a = features[a] / features[a].norm()
            unit_p = features[p] / features[p].norm()
            usual = (2 * latents.size(1)) ** 0.5
            ratios.append((latents[a] - latents[p]).norm() / usual / (unit_a - unit_p).norm())
    return mean(ratios, features)


def m3_reference(features, labels, kept, margin=0.2):
    terms = [
        hinge(margin + distance(features, a, n) - distance(features, a, p))
        for a, positives, negatives in pairs(labels, kept)
        for p in positives
        for n in negatives
    ]
    return mean(terms, features)


def m4_reference(features, labels, kept, spread=0.5, separation=0.2):
    spreads = [
        hinge(spread - distance(features, a, p))
        for a, positives, _ in pairs(labels, kept)
        for p in positives
    ]
    separations = [
        hinge(separation + distance(features, a, p) - distance(features, a, n))
        for a, positives, negatives in pairs(labels, kept)
        for p in positives
        for n in negatives
    ]
    return mean(spreads, features) + mean(separations, features)


def m5_reference(features, labels, kept, temperature=0.1):
    anchors = []
    for a, positives, negatives in pairs(labels, kept):
        if not positives:
            continue
        similarity = {
            j: (1 - distance(features, a, j)) / temperature for j in positives + negatives
        }
        denominator = sum(similarity[j].exp() for j in similarity)
        anchors.append(
            -sum((similarity[p].exp() / denominator).log() for p in positives) / len(positives)
        )
    return mean(anchors, features)


CASES = {
    'M1': (M.intra_class_repulsion, m1_reference, {}),
    'M2': (M.mode_seeking, m2_reference, {}),
    'M3': (M.reversed_triplet, m3_reference, {}),
    'M3-margin-0': (M.reversed_triplet, m3_reference, {'margin': 0.0}),
    'M3-margin-2': (M.reversed_triplet, m3_reference, {'margin': 2.0}),
    'M4': (M.bounded_two_margin, m4_reference, {}),
    'M4-margin-0': (M.bounded_two_margin, m4_reference, {'spread': 0.0, 'separation': 0.0}),
    'M4-wide': (M.bounded_two_margin, m4_reference, {'spread': 1.5, 'separation': 1.0}),
    'M5': (M.supervised_contrastive, m5_reference, {}),
    'M5-warm': (M.supervised_contrastive, m5_reference, {'temperature': 1.0}),
}
OBJECTIVES = ['M1', 'M2', 'M3', 'M4', 'M5']


def extra_of(case, num):
    return {'latents': torch.randn(num, 4, dtype=torch.double)} if case == 'M2' else {}


def compare(case, features, labels, kept):
    function, reference, parameters = CASES[case]
    parameters = parameters | extra_of(case, len(labels))
    features = features.double().requires_grad_()
    loss = function(features, labels, kept, **parameters)
    expected = reference(features, labels, kept, **parameters)
    assert loss.shape == ()
    torch.testing.assert_close(loss.double(), expected, atol=2e-5, rtol=2e-5)
    torch.testing.assert_close(
        torch.autograd.grad(loss, features)[0],
        torch.autograd.grad(expected, features)[0],
        atol=1e-4,
        rtol=1e-3,
    )


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize(
    ('num', 'num_classes', 'share_kept'), [(12, 3, 1.0), (14, 4, 0.7), (9, 2, 0.5), (6, 6, 1.0)]
)
def test_values_and_gradients_are_those_of_loops(case, num, num_classes, share_kept):
    features = torch.randn(num, 5) + 0.5
    labels, kept = torch.randint(num_classes, (num,)), torch.rand(num) < share_kept
    compare(case, features, labels, kept)


@pytest.mark.parametrize('case', CASES)
def test_classes_of_unequal_size_are_weighed_as_in_loops(case):
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])
    compare(case, torch.randn(9, 5), labels, torch.ones(9, dtype=torch.bool))


@pytest.mark.parametrize('case', CASES)
def test_the_order_of_the_batch_does_not_matter(case):
    function, _, parameters = CASES[case]
    features, labels = torch.randn(10, 5), torch.arange(10) % 3
    kept, order = torch.rand(10) < 0.8, torch.randperm(10)
    extra = extra_of(case, 10)
    shuffled = {name: value[order] for name, value in extra.items()}
    torch.testing.assert_close(
        function(features[order], labels[order], kept[order], **shuffled, **parameters),
        function(features, labels, kept, **extra, **parameters),
    )


@pytest.mark.parametrize('case', CASES)
def test_the_length_of_the_features_does_not_matter(case):
    function, _, parameters = CASES[case]
    features, labels = torch.randn(8, 5), torch.arange(8) % 3
    kept, extra = torch.ones(8, dtype=torch.bool), extra_of(case, 8)
    scaled = features * torch.linspace(0.1, 50, 8)[:, None]
    torch.testing.assert_close(
        function(scaled, labels, kept, **extra, **parameters),
        function(features, labels, kept, **extra, **parameters),
        atol=1e-5,
        rtol=1e-4,
    )


def on_a_circle(degrees):
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.double))
    return torch.stack([angles.cos(), angles.sin()], 1)


@pytest.mark.parametrize('margin', [0.0, 0.2])
@pytest.mark.parametrize(
    ('case', 'labels'),
    [(case, labels) for case in ('M3', 'M4') for labels in ([0, 0, 1, 1], [0, 1, 0, 1])],
)
def test_ties_between_distances_count_as_in_loops(case, labels, margin):
    """On a square every sample has two others at exactly the same distance."""
    features, labels = on_a_circle([0.0, 90.0, 180.0, 270.0]), torch.tensor(labels)
    function, reference, _ = CASES[case]
    parameters = {'margin' if case == 'M3' else 'separation': margin}
    kept = torch.ones(4, dtype=torch.bool)
    torch.testing.assert_close(
        function(features, labels, kept, **parameters).double(),
        reference(features, labels, kept, **parameters),
        atol=1e-6,
        rtol=0,
    )


def test_a_hinge_at_its_kink_adds_nothing():
    """All distances exactly representable: low equals high, and the gradient is 0 there."""
    high = torch.tensor([[0.25, 0.5, 0.5, 1.0]], requires_grad=True)
    low = torch.tensor([[0.5, 0.5, 0.25, 1.0]], requires_grad=True)
    every = torch.ones(1, 4, dtype=torch.bool)
    loss = M.mean_hinge_over_triplets(low, high, every, every)
    loss.backward()
    expected = sum(max(i - j, 0) for i in (0.5, 0.5, 0.25, 1) for j in (0.25, 0.5, 0.5, 1)) / 16
    assert loss.item() == pytest.approx(expected)
    assert (16 * low.grad).tolist() == [[1, 1, 0, 3]]
    assert (16 * high.grad).tolist() == [[-3, -1, -1, 0]]


@pytest.mark.parametrize('seed', range(20))
def test_the_hinge_over_triplets_is_that_of_loops(seed):
    """Values from a few levels only, so that ties abound, and masks of any density."""
    generator = torch.Generator().manual_seed(seed)
    num = int(torch.randint(1, 7, (), generator=generator))

    def draw():
        levels = torch.randint(-4, 5, (num, num), generator=generator) / 4
        mask = torch.rand(num, num, generator=generator) < seed / 15
        return levels.requires_grad_(), mask

    (low, low_mask), (high, high_mask) = draw(), draw()
    terms = [
        (low[a, i] - high[a, j]).relu()
        for a in range(num)
        for i in range(num)
        for j in range(num)
        if low_mask[a, i] and high_mask[a, j]
    ]
    expected = sum(terms) / len(terms) if terms else (low + high).sum() * 0
    loss = M.mean_hinge_over_triplets(low, high, low_mask, high_mask)
    torch.testing.assert_close(loss, expected)
    for leaf in (low, high):
        grad, expected_grad = (
            torch.autograd.grad(value, leaf, retain_graph=True)[0] for value in (loss, expected)
        )
        torch.testing.assert_close(grad, expected_grad)


def test_m5_is_supcon_of_pytorch_metric_learning():
    losses = pytest.importorskip('pytorch_metric_learning.losses')
    features = torch.randn(12, 5, requires_grad=True)
    labels, kept = torch.arange(12) % 4, torch.rand(12) < 0.8
    loss = M.supervised_contrastive(features, labels, kept, temperature=0.3)
    expected = losses.SupConLoss(temperature=0.3)(features[kept], labels[kept])
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(
        torch.autograd.grad(loss, features), torch.autograd.grad(expected, features)
    )


def test_m5_with_a_low_temperature_stays_finite():
    features = torch.randn(8, 3, requires_grad=True)
    loss = M.supervised_contrastive(
        features, torch.arange(8) % 2, torch.ones(8, dtype=torch.bool), temperature=0.001
    )
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_samples_behind_the_gate_have_no_gradient_and_no_influence(objective):
    function = CASES[objective][0]
    features, labels = torch.randn(10, 5, requires_grad=True), torch.arange(10) % 3
    kept, extra = torch.arange(10) < 7, extra_of(objective, 10)
    loss = function(features, labels, kept, **extra)
    loss.backward()
    assert not features.grad[7:].any()
    assert features.grad[:7].any()
    others = features.detach().clone()
    others[7:] = 100 * torch.randn(3, 5)
    torch.testing.assert_close(function(others, labels, kept, **extra), loss.detach())


DEGENERATE = {
    # name: (labels, kept, objectives that are 0 there)
    'nothing-passes': ([0, 0, 1, 1], [0, 0, 0, 0], OBJECTIVES),
    'one-sample-passes': ([0, 0, 1, 1], [0, 1, 0, 0], OBJECTIVES),
    'one-sample-a-class': ([0, 1, 2, 3], [1, 1, 1, 1], OBJECTIVES),
    'one-sample-a-class-passes': ([0, 0, 1, 1], [1, 0, 0, 1], OBJECTIVES),
    'single-sample': ([0], [1], OBJECTIVES),
    'single-sample-behind-the-gate': ([0], [0], OBJECTIVES),
    'one-class': ([1, 1, 1], [1, 1, 1], ['M3']),
}


@pytest.mark.parametrize('objective', OBJECTIVES)
@pytest.mark.parametrize('batch', DEGENERATE)
def test_degenerate_batches_are_right_and_keep_the_graph(objective, batch):
    labels, kept, zero_for = DEGENERATE[batch]
    labels, kept = torch.tensor(labels), torch.tensor(kept, dtype=torch.bool)
    features = (torch.randn(len(labels), 5) + 2).requires_grad_()  # nearer than M4's spread
    function, reference, _ = CASES[objective]
    extra = extra_of(objective, len(labels))
    loss = function(features, labels, kept, **extra)
    loss.backward()
    assert features.grad.isfinite().all()
    if objective in zero_for:
        assert loss == 0
        assert not features.grad.any()
    else:
        expected = reference(features.detach().double(), labels, kept, **extra)
        assert loss.item() == pytest.approx(float(expected), abs=1e-5)
        assert loss != 0


@pytest.mark.parametrize('objective', OBJECTIVES)
@pytest.mark.parametrize('num', [6, 40])
@pytest.mark.parametrize('fill', ['equal', 'zero', 'opposite'])
def test_coinciding_features_have_finite_gradients(objective, num, fill):
    features = torch.ones(num, 5) * (fill != 'zero')
    if fill == 'opposite':
        features[::2] *= -1
    features.requires_grad_()
    latents = torch.randn(num, 4)
    latents[:2] = 1.0  # and two equal latents
    extra = {'latents': latents.requires_grad_()} if objective == 'M2' else {}
    loss = CASES[objective][0](
        features, torch.arange(num) % 3, torch.ones(num, dtype=torch.bool), **extra
    )
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    assert latents.grad is None or latents.grad.isfinite().all()


@pytest.mark.parametrize('objective', OBJECTIVES)
@pytest.mark.parametrize('dtype', [torch.half, torch.bfloat16])
def test_half_precision_features_are_computed_in_single(objective, dtype):
    features = (100 * torch.randn(12, 64)).to(dtype)
    labels, kept = torch.arange(12) % 3, torch.ones(12, dtype=torch.bool)
    extra = {'latents': torch.randn(12, 4).to(dtype)} if objective == 'M2' else {}
    function = CASES[objective][0]
    loss = function(features, labels, kept, **extra)
    assert loss.dtype == torch.float
    torch.testing.assert_close(
        loss, function(features.float(), labels, kept, **{k: v.float() for k, v in extra.items()})
    )


@pytest.mark.parametrize(
    ('objective', 'spreads_a_class'),
    [('M1', True), ('M2', True), ('M3', True), ('M4', True), ('M5', False)],
)
def test_descent_spreads_or_pulls_a_class_together(objective, spreads_a_class):
    features = (torch.randn(3, 8).repeat(4, 1) + 0.2 * torch.randn(12, 8)).requires_grad_()
    labels, kept = torch.arange(12) % 3, torch.ones(12, dtype=torch.bool)
    extra = {'latents': torch.randn(12, 4)} if objective == 'M2' else {}
    positive, _ = M.pair_masks(labels, kept)

    def spread():
        return M.cosine_distances(features)[positive].mean().item()

    before = spread()
    for _ in range(20):
        loss = CASES[objective][0](features, labels, kept, **extra)
        (grad,) = torch.autograd.grad(loss, features)
        features.data -= 0.1 * grad
    assert (spread() > before) is spreads_a_class


def test_a_large_batch_of_triplets_is_accurate_in_single_precision():
    features, labels = torch.randn(60, 16) + 2, torch.arange(60) % 10
    kept = torch.ones(60, dtype=torch.bool)
    distances = M.cosine_distances(features.double()).double()
    positive, negative = M.pair_masks(labels, kept)
    triplets = positive[:, :, None] & negative[:, None, :]
    terms = (0.2 + distances[:, None, :] - distances[:, :, None]).relu()[triplets]
    loss = M.reversed_triplet(features, labels, kept)
    torch.testing.assert_close(loss.double(), terms.mean(), atol=1e-6, rtol=1e-5)


def test_nearly_equal_features_are_told_apart_in_single_precision():
    features = torch.randn(1, 64) + 0.02 * torch.randn(12, 64)
    given = (torch.arange(12) % 3, torch.ones(12, dtype=torch.bool), torch.randn(12, 4))
    of_double = features.double().requires_grad_()
    expected = M.mode_seeking(of_double, *given)
    loss = M.mode_seeking(features.requires_grad_(), *given)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    gradients = [
        torch.autograd.grad(*pair)[0].double() for pair in ((loss, features), (expected, of_double))
    ]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_distances_keep_their_precision_under_autocast():
    features = torch.randn(6, 40)
    expected = M.cosine_distances(features)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert M.cosine_distances(features).equal(expected)


@pytest.mark.parametrize('apart', [1e-4, 1e-3, 5e-3])
def test_m2_pushes_a_collapsed_class_apart(apart):
    """Its gradient was exactly 0 below a distance of 0.01: nothing drove a class out of it."""
    features = torch.randn(1, 16, dtype=torch.double).repeat(4, 1)
    features = (features + apart * torch.randn(4, 16, dtype=torch.double)).requires_grad_()
    given = (torch.zeros(4, dtype=torch.long), torch.ones(4, dtype=torch.bool))
    latents = torch.randn(4, 5, dtype=torch.double)
    distance = M.euclidean_distances(nn.functional.normalize(features, dim=1))
    assert distance.max() < 0.01
    (grad,) = torch.autograd.grad(M.mode_seeking(features, *given, latents), features)
    assert 1 < grad.norm() < 1e6  # bounded, too
    moved = features - 1e-8 * grad
    after = M.euclidean_distances(nn.functional.normalize(moved, dim=1))
    assert after.sum() > distance.sum()


def test_m2_is_smooth_where_features_are_near():
    def loss(distance):
        angle = 2 * torch.asin(distance / 2)
        features = torch.stack([torch.stack([angle.cos(), angle.sin()]), torch.tensor([1.0, 0.0])])
        given = (torch.zeros(2, dtype=torch.long), torch.ones(2, dtype=torch.bool))
        return M.mode_seeking(features, *given, torch.tensor([[1.0], [0.0]])) * 2**0.5

    slopes = []
    for value in (0.02, 0.010001, 0.009999, 0.005):
        distance = torch.tensor(value, dtype=torch.double, requires_grad=True)
        result = loss(distance)
        expected = 1 / value if value >= 0.01 else 200 - 1e4 * value
        assert result.item() == pytest.approx(expected, rel=1e-4)
        slopes.append(torch.autograd.grad(result, distance)[0].item())
    assert slopes == pytest.approx([-2500, -1e4, -1e4, -1e4], rel=1e-3)
