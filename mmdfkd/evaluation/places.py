"""Which samples of a set a process sees."""

from mmengine.dist import get_dist_info


def places(first: int, num: int) -> range:
    """Return the places in the whole set of the next ``num`` samples of this process.

    Process r of W sees the samples r, r + W, ..., as MMEngine's sampler deals them. What
    is drawn for a sample depends on its place: several processes draw as a single one does.

    Args:
        first: samples that this process has seen before.
        num: samples that it sees now.
    """
    rank, world_size = get_dist_info()
    return range(first * world_size + rank, (first + num) * world_size + rank, world_size)
