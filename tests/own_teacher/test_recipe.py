from dataclasses import replace

import pytest
from example_pair import DARK, IMAGES, PAIR

from mmdfkd.own_teacher import make_recipe


def test_lengths_are_those_of_the_configs():
    assert make_recipe(PAIR).rounds == 620
    assert make_recipe(PAIR).warmup == 70
    plain = make_recipe(replace(PAIR, batch_norms=False))
    assert (plain.rounds, plain.restart, plain.capacity) == (1000, 500, 128_000)
    dark = make_recipe(DARK)
    assert (dark.rounds, dark.warmup, dark.capacity) == (200, 30, 25_600)


@pytest.mark.parametrize('rounds', [1, 2, 15, 620, 5000])
def test_a_run_of_any_length_trains_its_student(rounds):
    for pair in (PAIR, replace(PAIR, batch_norms=False), DARK):
        recipe = make_recipe(pair, rounds)
        assert recipe.rounds == rounds
        assert recipe.warmup < rounds
        assert 1 <= recipe.restart <= rounds


def test_the_memory_has_room():
    recipe = make_recipe(replace(PAIR, images=replace(IMAGES, size=224)))
    assert recipe.capacity * 3 * 224**2 <= 2**31
    assert recipe.batch_size == 64


def test_many_classes_come_in_pairs():
    recipe = make_recipe(replace(PAIR, num_classes=1000))
    assert recipe.samples_per_class == 2
    assert recipe.labels % 1000 == 0
    # An odd number above the labels of a pass: half of them were never asked for.
    assert make_recipe(replace(PAIR, num_classes=11821)).labels == 2 * 11821
    assert make_recipe(PAIR).samples_per_class == 1
    assert make_recipe(replace(PAIR, num_classes=7)).labels == 10_003
