import sys

import pytest
import torch

from mmdfkd.evaluation.functional import kernel_distance


def slow_mmd(x, y):
    """The unbiased estimate, by loops: Gretton et al. (2012), equation 3."""

    def kernel(a, b):
        return float((a @ b / len(a) + 1) ** 3)

    n, m = len(x), len(y)
    xx = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j)
    yy = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j)
    xy = sum(kernel(a, b) for a in x for b in y)
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def test_of_one_subset_it_is_the_definition():
    pytest.importorskip('torch_fidelity')
    real, fake = torch.randn(12, 5), torch.randn(12, 5) + 0.5
    found = kernel_distance(real, fake)
    assert found == pytest.approx(slow_mmd(real.double(), fake.double()), rel=1e-4)
    mmd = pytest.importorskip('torchmetrics.image.kid').poly_mmd
    assert found == pytest.approx(float(mmd(real, fake)), rel=1e-4)


def test_subsets_average_to_it_and_are_drawn_by_the_seed():
    pytest.importorskip('torch_fidelity')
    real, fake = torch.randn(60, 5), torch.randn(80, 5) + 0.5
    found = kernel_distance(real, fake, subsets=200, subset_size=20)
    whole = slow_mmd(real.double(), fake.double())
    assert found == pytest.approx(whole, rel=0.1)
    assert found != whole
    assert kernel_distance(real, fake, subsets=200, subset_size=20) == found
    assert kernel_distance(real, fake, subsets=200, subset_size=20, seed=1) != found


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torch_fidelity.metric_kid', None)
    with pytest.raises(ImportError, match=r'mmdfkd\[figures\]'):
        kernel_distance(torch.randn(4, 2), torch.randn(4, 2))
