"""Losses are tried at build on numbers of the shapes that they get, and nothing is drawn."""

import pytest
import torch
from torch import nn
from toy import changed, snapshot, toy_dedfkd, toy_network
from toy_methods import METHODS, toy_mad, toy_zskt

from mmdfkd.models.classifiers import Classifier
from mmdfkd.models.distillers.frame.loss_trial import try_losses
from mmdfkd.models.losses import (
    AdversarialLoss,
    BNStatisticsLoss,
    ClassConditionLoss,
    KDLoss,
    LayoutSpreadLoss,
    PseudoLabelLoss,
    RunningBNStatisticsLoss,
)

NEEDED = {
    'dedfkd': ['loss_kd', 'loss_ce'],
    'dafl': ['loss_kd', 'loss_pseudo_label', 'loss_entropy', 'loss_act'],
    'dfad': ['loss_kd', 'loss_adv'],
    'zskt': ['loss_kd', 'loss_adv'],
    'dfq': ['loss_kd', 'loss_adv', 'loss_bn', 'loss_instance', 'loss_batch'],
    'mad': ['loss_kd', 'loss_kd_ema', 'loss_adv'],
    'deepinversion': ['loss_kd', 'loss_ce', 'loss_bn'],
    'cmi': ['loss_kd', 'loss_ce', 'loss_bn', 'loss_cr'],
    'fast_datafree': ['loss_kd', 'loss_ce', 'loss_bn', 'loss_adv'],
    'nayer': ['loss_kd', 'loss_ce', 'loss_bn', 'loss_adv'],
    'noise': ['loss_kd'],
}


@pytest.mark.parametrize(('method', 'name'), [(m, n) for m, names in NEEDED.items() for n in names])
def test_a_loss_that_a_method_needs_is_missed_at_build(method, name):
    with pytest.raises(ValueError, match=f'{name} should be the config of a loss'):
        METHODS[method](**{name: None})


def test_an_unknown_name_is_no_loss_to_try():
    with pytest.raises(ValueError, match=r"should be among \['loss_kd'.*but got \['loss_mine'\]"):
        try_losses(toy_dedfkd(), 'loss_kd', 'loss_mine')


class Own(nn.Module):
    """A user's loss, of names of his own, that imitates or disturbs."""

    def __init__(self, sign):
        super().__init__()
        self.sign = sign

    def forward(self, one, other):
        return self.sign * (one - other).square().mean()


@pytest.mark.parametrize(
    ('name', 'loss', 'told'),
    [
        ('loss_kd', AdversarialLoss(), 'should be least where the student is like the teacher'),
        ('loss_kd', Own(-1), 'should be least where the student is like the teacher'),
        ('loss_kd', ClassConditionLoss(), 'but ClassConditionLoss is one of labels'),
        ('loss_adv', KDLoss(), 'should fall as student and teacher differ'),
        ('loss_adv', Own(1), 'should fall as student and teacher differ'),
        ('loss_ce', PseudoLabelLoss(), r'should be a loss of \(logits, labels\), but PseudoLabel'),
        ('loss_ce', BNStatisticsLoss(), 'but BNStatisticsLoss is one of statistics'),
        ('loss_bn', RunningBNStatisticsLoss(), 'RunningBNStatisticsLoss should be in a method'),
        ('loss_act', nn.Identity(), 'loss_act should give one finite number, but Identity gave'),
    ],
)
def test_another_loss_in_its_place_is_told(name, loss, told):
    with pytest.raises(ValueError, match=told):
        toy_dedfkd(**{name: loss})


def test_losses_of_one_s_own_are_taken():
    toy_dedfkd(loss_kd=Own(1), loss_adv=Own(-1))
    toy_mad(loss_kd_ema=Own(1))


def test_image_priors_are_tried():
    with pytest.raises(ValueError, match=r'image_priors.mine should be a loss of \(inputs\)'):
        toy_dedfkd(image_priors=dict(mine=KDLoss()))


def test_maps_of_layers_are_tried():
    layout = dict(loss_layout=LayoutSpreadLoss(), layout_layers=['5'])
    with pytest.raises(ValueError, match=r'loss_layout should be a loss of \(maps, labels\)'):
        toy_dedfkd(**layout)
    toy_dedfkd(loss_layout=LayoutSpreadLoss(), layout_layers=['0'])
    with pytest.raises(ValueError, match=r'loss_at should be .*should be of the same sizes'):
        toy_zskt(student_layers=['0', '3'])


def test_the_trial_draws_nothing_and_changes_nothing():
    states = []
    for patch in (False, True):
        torch.manual_seed(0)
        with pytest.MonkeyPatch.context() as context:
            if patch:
                for module in ('base', 'dedfkd'):
                    place = f'mmdfkd.models.distillers.{module}.try_losses'
                    context.setattr(place, lambda *_, **__: None)
            model = toy_dedfkd()
        states.append((snapshot(model), torch.get_rng_state()))
    assert not changed(model, states[0][0])
    assert states[0][1].equal(states[1][1])


class Branched(nn.Module):
    """Has a layer that serves training alone, and one that gives a tuple."""

    def __init__(self):
        super().__init__()
        self.body, self.extra, self.pair = toy_network(6), nn.Conv2d(3, 4, 3), Pair()

    def forward(self, inputs):
        self.pair(inputs)
        return self.body(inputs)


class Pair(nn.Module):
    def forward(self, inputs):
        return inputs, inputs


@pytest.mark.parametrize(
    ('layer', 'told'), [('extra', 'extra gives nothing'), ('pair', 'pair gives a tuple')]
)
def test_a_layer_without_maps_is_named(layer, told):
    layout = dict(loss_layout=LayoutSpreadLoss(), layout_layers=['body.0', layer])
    with pytest.raises(ValueError, match=rf'layout_layers should be layers .* but {told}; name'):
        toy_dedfkd(teacher=Classifier(Branched()), **layout)
