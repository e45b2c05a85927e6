"""Numbers of a run that follow from its teacher's images and classes, and from its length."""

from dataclasses import dataclass

from mmdfkd.engine.length import waiting

from .pair import Pair

_MEMORY_BYTES = 2**31  # of images of 8 bits
_LABELS = 10_000
#: The recipes in configs/_base_, with their rounds, and those in which the student waits.
_INVERTED, _LAYERED, _LASTING = 'dedfkd_inverted', 'dedfkd_lenet5', 'dedfkd_lenet5_lasting'
_LENGTHS = {_INVERTED: (620, 70), _LAYERED: (200, 30), _LASTING: (1000, 0)}


@dataclass
class Recipe:
    """What a config's bases leave open.

    Args:
        base: name of the recipe: inverted, where the teacher has batch norms; of flat layers over
            black, where most pixels are black; or with a generator that lasts.
        rounds: of the run.
        batch_size: images a round, and of a student step.
        warmup: rounds without the adversary, in which the student waits; 0 if it lasts.
        restart: rounds of one generator, if it lasts.
        capacity: images in the memory.
        labels: length of the data set of labels.
        samples_per_class: of a label in a row, so that the metric loss has pairs.
    """

    base: str
    rounds: int
    batch_size: int
    warmup: int
    restart: int
    capacity: int
    labels: int
    samples_per_class: int

    @property
    def lasts(self) -> bool:
        """Whether a generator lasts for more than a round."""
        return self.base == _LASTING


def make_recipe(pair: Pair, rounds: int | None = None) -> Recipe:
    """Choose the numbers; rounds are those of the measured configs where none are given.

    The memory holds the images of the whole run, or of two generators, as far as 2 GiB go.
    """
    base = _INVERTED if pair.batch_norms else _LAYERED if pair.images.dark else _LASTING
    whole, waits = _LENGTHS[base]
    rounds = rounds or whole
    batch_size = 128 if pair.images.size <= 64 else 64
    restart = min(500, max(1, rounds // 2))
    kept = (2 * restart if base == _LASTING else rounds) * batch_size
    samples_per_class = 2 if pair.num_classes > batch_size // 2 else 1
    turn = pair.num_classes * samples_per_class  # labels of each class once
    room = _MEMORY_BYTES // (pair.images.channels * pair.images.size**2)
    return Recipe(
        base=base,
        rounds=rounds,
        batch_size=batch_size,
        warmup=waiting(waits, rounds),
        restart=restart,
        capacity=min(kept, room),
        labels=-(-_LABELS // turn) * turn,
        samples_per_class=samples_per_class,
    )
