"""Which smaller network a teacher's student is where the user names none."""

import torch
from width_nets import Block, TwoBlocks

from mmdfkd.models.classifiers import Classifier
from mmdfkd.own_teacher import NARROWER, SHALLOWER
from mmdfkd.own_teacher.smaller import num_parameters, smaller

INPUTS = torch.randn(2, 3, 8, 8)


def kind_of(kind=None, **options):
    network = dict(type='width_nets.TwoBlocks', **options)
    return smaller(kind, network, Classifier(dict(network)), INPUTS, 'mine')['type']


def test_the_shallower_is_taken_unless_it_is_almost_as_large():
    large, small = (num_parameters(TwoBlocks(mid)) for mid in (60, 2))
    assert num_parameters(Block(6, 60)) > 0.2 * large
    assert num_parameters(Block(6, 2)) < 0.2 * small
    assert kind_of(mid=60) == 'mmdfkd.without_blocks'
    assert kind_of(mid=2) == 'mmdfkd.narrower'
    assert kind_of(SHALLOWER, mid=2) == 'mmdfkd.without_blocks'
    assert kind_of(NARROWER, mid=60) == 'mmdfkd.narrower'


def test_it_is_taken_all_the_same_where_there_is_no_narrower_one():
    assert kind_of(mid=2, groups=3) == 'mmdfkd.without_blocks'
