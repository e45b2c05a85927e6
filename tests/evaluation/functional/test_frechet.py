import numpy as np
import pytest
import torch

from mmdfkd.evaluation.functional import FeatureStatistics, class_distances, frechet_distance


def features(number, dims=12, scale=1.0):
    return torch.randn(number, dims) @ torch.randn(dims, dims) * scale + torch.randn(dims)


def test_statistics_that_stream_are_numpys():
    rows = features(50) + 100
    found = FeatureStatistics.of(rows[:7])
    for part in rows[7:40].split(9):
        found.update(part)
    found += FeatureStatistics.of(rows[40:])
    assert found.count == 50
    np.testing.assert_allclose(found.mean, rows.double().mean(0), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(rows.double().T), rtol=1e-8)


@pytest.mark.parametrize('number', [200, 8])  # 8 samples of 12 features: rank-deficient
def test_it_equals_other_libraries(number):
    real, fake = features(200), features(number)
    found = frechet_distance(FeatureStatistics.of(real), FeatureStatistics.of(fake))
    first, second = real.double(), fake.double()

    fidelity = pytest.importorskip('torch_fidelity.metric_fid')
    stats = [fidelity.fid_features_to_statistics(rows) for rows in (first, second)]
    theirs = fidelity.fid_statistics_to_metric(*stats, verbose=False)
    assert found == pytest.approx(theirs['frechet_inception_distance'], rel=1e-5)

    image = pytest.importorskip('torchmetrics.image.fid')
    moments = [m for rows in (first, second) for m in (rows.mean(0), torch.cov(rows.T))]
    assert found == pytest.approx(float(image._compute_fid(*moments)), rel=1e-5)


@pytest.mark.filterwarnings('ignore:.*disp:DeprecationWarning')  # pytorch-fid's of scipy
def test_it_equals_pytorch_fids():
    fid_score = pytest.importorskip('pytorch_fid.fid_score')
    real, fake = features(200), features(100)
    moments = [m for x in (real, fake) for m in (x.mean(0), np.cov(x.T))]
    theirs = fid_score.calculate_frechet_distance(*map(np.asarray, moments))
    found = frechet_distance(FeatureStatistics.of(real), FeatureStatistics.of(fake))
    assert found == pytest.approx(theirs, rel=1e-6)


def test_of_one_distribution_it_is_0_and_of_a_shift_its_square():
    rows = features(100)
    same = FeatureStatistics.of(rows)
    assert frechet_distance(same, same) == pytest.approx(0, abs=1e-6)
    shifted = FeatureStatistics.of(rows.double() + 2)
    assert frechet_distance(same, shifted) == pytest.approx(12 * 4, rel=1e-4)


def test_each_class_is_compared_with_its_own():
    real = {k: FeatureStatistics.of(features(40)) for k in range(3)}
    fake = {k: FeatureStatistics.of(features(30)) for k in range(3)}
    figures = class_distances(real, fake, 'synthetic')
    expected = [frechet_distance(real[k], fake[k]) for k in range(3)]
    assert [figures[f'fid_class_{k}'] for k in range(3)] == expected
    assert figures['fid_class_mean'] == pytest.approx(sum(expected) / 3)
    assert figures['fid_class_count'] == 3


def test_a_class_without_samples_is_left_out_with_a_warning():
    real = {k: FeatureStatistics.of(features(40)) for k in range(3)}
    fake = {0: FeatureStatistics.of(features(30)), 2: FeatureStatistics.of(features(1))}
    with pytest.warns(UserWarning, match=r'\{1: \(40, 0\), 2: \(40, 1\)\}'):
        figures = class_distances(real, fake, 'synthetic')
    assert figures.keys() == {'fid_class_0', 'fid_class_mean', 'fid_class_count'}
    assert figures['fid_class_mean'] == figures['fid_class_0']
    assert figures['fid_class_count'] == 1


def test_classes_of_no_more_samples_than_features_are_a_warning_with_the_smallest():
    real = {k: FeatureStatistics.of(features(40 + k)) for k in range(3)}
    fake = {k: FeatureStatistics.of(features(number)) for k, number in enumerate((30, 12, 13))}
    told = r"FID inside a class .* 12 features, but got \{'the smallest real class': 40, "
    with pytest.warns(UserWarning, match=rf"{told}'the smallest floor class': 12\}}") as caught:
        class_distances(real, fake, 'floor')
    assert len(caught) == 1
    fake[1] = FeatureStatistics.of(features(13))
    class_distances(real, fake, 'floor')  # warnings are errors
