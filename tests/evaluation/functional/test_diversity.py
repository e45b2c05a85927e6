import pytest
import torch
from torch.nn import functional as F

from mmdfkd.evaluation.functional import diversity as D


def units(num=20, dim=6):
    return F.normalize(torch.randn(num, dim, dtype=torch.float64), dim=1)


def sums_of(features, labels, classes):
    one_hot = F.one_hot(labels, classes).double()
    return one_hot.sum(0), one_hot.T @ features, one_hot.T @ features.square().sum(1)


def test_distances_as_in_loops():
    features, labels = units(), torch.randint(3, (20,))
    features[4] = 0  # of a teacher whose features are all off
    counts, sums, squares = sums_of(features, labels, 5)
    intra = D.intra_class_distances(counts, sums, squares)
    for c in range(3):
        members = [i for i in range(20) if labels[i] == c]
        pairs = [1 - features[i] @ features[j] for i in members for j in members if i != j]
        assert intra[c] == pytest.approx(float(sum(pairs) / len(pairs)), abs=1e-12)
    assert intra[3:].isnan().all()
    between = []
    for a in range(3):
        for b in range(a):
            of_a, of_b = ([i for i in range(20) if labels[i] == c] for c in (a, b))
            pairs = [1 - features[i] @ features[j] for i in of_a for j in of_b]
            between.append(sum(pairs) / len(pairs))
    expected = float(sum(between) / len(between))
    assert D.inter_class_distance(counts, sums) == pytest.approx(expected, abs=1e-12)


def test_one_class_has_no_inter_class_distance():
    counts, sums, _ = sums_of(units(), torch.full((20,), 1), 3)
    assert D.inter_class_distance(counts, sums) is None


@pytest.mark.parametrize(('num', 'dim'), [(20, 6), (5, 9)])
def test_vendi_score_is_that_of_the_kernel(num, dim):
    features = units(num, dim)
    kernel = torch.tensor([[float(a @ b) for b in features] for a in features]).double() / num
    eigenvalues = torch.linalg.eigvals(kernel).real
    expected = float(torch.exp(-sum(v * v.log() for v in eigenvalues if v > 1e-9)))
    for found in (D.vendi_score(features.T @ features), D.vendi_score_of(features)):
        assert found == pytest.approx(expected, rel=1e-4)


def test_vendi_score_counts_what_differs():
    different = torch.eye(4, dtype=torch.float64).repeat(3, 1)
    assert D.vendi_score_of(different) == pytest.approx(4)
    assert D.vendi_score_of(different[:1].repeat(5, 1)) == pytest.approx(1)
    assert D.vendi_score_of(torch.zeros(3, 4, dtype=torch.float64)) == 1


@pytest.mark.parametrize('chunk', [3, 512])
def test_neighbours_as_in_loops(monkeypatch, chunk):
    monkeypatch.setattr(D, '_CHUNK', chunk)
    monkeypatch.setattr(D, '_OTHERS', chunk)
    features, labels = units(), torch.randint(3, (20,))
    labels[7] = 9
    images = torch.randint(256, (20, 3, 8, 8)).float()
    images[11] = images[2]
    near, near_pixels = (
        D.nearest_of_class(features, labels),
        D.nearest_pixel_distances(D.comparable_pixels(images), torch.arange(20)),
    )
    for i in range(20):
        others = [j for j in range(20) if j != i]
        own = [1 - features[i] @ features[j] for j in others if labels[j] == labels[i]]
        assert near[i] == pytest.approx(float(min(own)) if own else torch.inf)
        differences = [(images[i] - images[j]).square().mean().sqrt() for j in others]
        assert near_pixels[i] == pytest.approx(float(min(differences)), abs=0.1)


def test_near_duplicates_are_told_from_others_whatever_their_brightness():
    for level in (0.0, 127.0, 254.0):
        images = torch.full((2, 3, 32, 32), level)
        images[1, :, :, ::2] += 1
        found = D.nearest_pixel_distances(D.comparable_pixels(images), torch.arange(2))
        assert found.tolist() == pytest.approx([0.5**0.5] * 2, abs=0.02)


def test_large_images_are_compared_at_32_pixels():
    images = torch.rand(2, 3, 64, 128) * 255
    pixels = D.comparable_pixels(images)
    assert pixels.dtype == torch.uint8
    averages = images.view(2, 3, 32, 2, 32, 4).mean((3, 5)).flatten(1)
    assert (pixels - averages).abs().max() <= 0.5001
    small = torch.randint(256, (2, 1, 28, 20)).float()
    assert (D.comparable_pixels(small) == small.flatten(1)).all()


def test_a_single_image_has_no_neighbour():
    image = torch.zeros(1, 12, dtype=torch.uint8)
    assert D.nearest_pixel_distances(image, torch.arange(1)).isinf().all()
    assert D.duplicate_share(image, 2.0) == 0


def test_a_draw_is_compared_with_every_image():
    pixels = torch.randint(256, (300, 48), dtype=torch.uint8)
    pixels[250:] = pixels[:50]  # a third has a twin
    assert D.duplicate_share(pixels, 2.0) == pytest.approx(100 / 300)
    shares = [D.duplicate_share(pixels, 2.0, most=60, seed=seed) for seed in range(20)]
    assert sum(shares) / 20 == pytest.approx(1 / 3, abs=0.05)
    assert len(set(shares)) > 1
