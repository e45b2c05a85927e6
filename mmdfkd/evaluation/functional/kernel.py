"""Kernel inception distance."""

from typing import Any

from torch import Tensor


def import_kid() -> tuple[str, Any]:
    """Import torch-fidelity's KID: the name of its mean, and the function.

    Raises:
        ImportError: if torch-fidelity is not installed.
    """
    try:
        from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
    except ImportError as error:
        raise ImportError(
            "the kernel inception distance needs torch-fidelity: pip install 'mmdfkd[figures]'"
        ) from error
    return KEY_METRIC_KID_MEAN, kid_features_to_metric


def kernel_distance(
    real: Tensor, fake: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> float:
    """Compute the kernel inception distance (KID) with torch-fidelity.

    Binkowski et al., Demystifying MMD GANs (2018), section 4: the unbiased squared maximum
    mean discrepancy under the kernel (x y / D + 1)^3, averaged over random subsets.

    Args:
        real: features (N, D).
        fake: features (M, D), M and N over 1.
        subsets: number of subsets.
        subset_size: samples of each in a subset; all if there are fewer.
        seed: of the subsets.

    Returns:
        The distance; around 0, also below, for samples of one distribution.

    Raises:
        ImportError: if torch-fidelity is not installed.
    """
    key, kid_features_to_metric = import_kid()
    size = min(subset_size, len(real), len(fake))
    figures = kid_features_to_metric(
        real,
        fake,
        # A subset of all samples is the only one there is.
        kid_subsets=1 if size == len(real) == len(fake) else subsets,
        kid_subset_size=size,
        rng_seed=seed,
        verbose=False,
    )
    return float(figures[key])
