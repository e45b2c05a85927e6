import pytest
import torch

from mmdfkd.evaluation.functional import neighbour_figures, neighbours


def radius(rows, i, k):
    return sorted(float((rows[i] - rows[j]).norm()) for j in range(len(rows)) if j != i)[k - 1]


def slow(real, fake):
    """The papers' definitions, by loops."""

    def inside(point, rows, radii, closed):
        distances = [float((point - row).norm()) for row in rows]
        return [d <= r if closed else d < r for d, r in zip(distances, radii, strict=True)]

    real3, real5 = ([radius(real, i, k) for i in range(len(real))] for k in (3, 5))
    fake3 = [radius(fake, i, 3) for i in range(len(fake))]
    hits = [inside(y, real, real5, closed=False) for y in fake]
    return {
        'precision': sum(any(inside(y, real, real3, True)) for y in fake) / len(fake),
        'recall': sum(any(inside(x, fake, fake3, True)) for x in real) / len(real),
        'density': sum(map(sum, hits)) / (5 * len(fake)),
        'coverage': sum(any(column) for column in zip(*hits, strict=True)) / len(real),
    }


@pytest.fixture
def sets():
    return torch.randn(40, 3), torch.randn(30, 3) * 0.8 + 1


@pytest.mark.parametrize('chunk', [1000, 7])
def test_they_are_the_definitions(sets, monkeypatch, chunk):
    monkeypatch.setattr(neighbours, '_CHUNK', chunk)
    found = neighbour_figures(*sets)
    assert found == pytest.approx(slow(*(rows.double() for rows in sets)))
    assert all(0.1 < value < 0.95 for value in found.values()), found


def test_they_equal_torch_fidelitys_and_the_authors(sets):
    real, fake = sets
    found = neighbour_figures(real, fake)
    prc = pytest.importorskip('torch_fidelity.metric_prc')
    theirs = prc.prc_features_to_metric(fake, real, verbose=False)
    assert found['precision'] == pytest.approx(theirs['precision'])
    assert found['recall'] == pytest.approx(theirs['recall'])
    prdc = pytest.importorskip('prdc')
    arrays = (rows.double().numpy() for rows in sets)
    theirs = prdc.compute_prdc(*arrays, nearest_k=5)
    assert found['density'] == pytest.approx(theirs['density'])
    assert found['coverage'] == pytest.approx(theirs['coverage'])


def test_extremes():
    rows = torch.randn(50, 4)
    same = {'precision': 1, 'recall': 1, 'density': 1, 'coverage': 1}
    assert neighbour_figures(rows, rows) == pytest.approx(same)
    far = dict.fromkeys(same, 0.0)
    assert neighbour_figures(rows, rows + 100) == far
    collapsed = neighbour_figures(rows, rows[:1].repeat(20, 1))
    assert collapsed['precision'] == 1
    assert collapsed['recall'] <= 1 / 50
    assert collapsed['coverage'] < 0.5


def test_too_few_samples_are_an_error():
    with pytest.raises(ValueError, match='over 5 real images, but got 5; give more'):
        neighbour_figures(torch.randn(5, 2), torch.randn(9, 2))
    with pytest.raises(ValueError, match='over 3 synthetic images, but got 3'):
        neighbour_figures(torch.randn(9, 2), torch.randn(3, 2))
