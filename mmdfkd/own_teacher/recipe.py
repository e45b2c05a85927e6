"""Numbers of a run that follow from its teacher's images and classes, and from its length."""

from dataclasses import dataclass

from .pair import Pair

_BANK_BYTES = 2**31  # of images of 8 bits
_LABELS = 10_000
_ROUNDS, _WARMUP = 620, 70  # of _base_/dedfkd_inverted.py


@dataclass
class Recipe:
    """What a config's bases leave open.

    Args:
        rounds: of the run.
        batch_size: images a round, and of a student step.
        warmup: rounds without the adversary, in which the student waits; with batch norms.
        restart: rounds of one generator; without batch norms.
        capacity: images in the memory.
        labels: length of the data set of labels.
        samples_per_class: of a label in a row, so that the metric loss has pairs.
    """

    rounds: int
    batch_size: int
    warmup: int
    restart: int
    capacity: int
    labels: int
    samples_per_class: int


def make_recipe(pair: Pair, rounds: int | None = None) -> Recipe:
    """Choose the numbers; rounds are those of the measured configs where none are given.

    The memory holds the images of the whole run, or of two generators, as far as 2 GiB go.
    """
    rounds = rounds or (_ROUNDS if pair.batch_norms else 1000)
    batch_size = 128 if pair.images.size <= 64 else 64
    restart = min(500, max(1, rounds // 2))
    kept = (rounds if pair.batch_norms else 2 * restart) * batch_size
    room = _BANK_BYTES // (pair.images.channels * pair.images.size**2)
    return Recipe(
        rounds=rounds,
        batch_size=batch_size,
        warmup=min(_WARMUP, rounds * _WARMUP // _ROUNDS),
        restart=restart,
        capacity=min(kept, room),
        labels=-(-_LABELS // pair.num_classes) * pair.num_classes,
        samples_per_class=2 if pair.num_classes > batch_size // 2 else 1,
    )
