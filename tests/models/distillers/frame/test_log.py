import torch

from mmdfkd.models.distillers.frame.log import round_log


def test_figures_are_means_over_the_steps_by_phase():
    steps = [dict(loss=torch.tensor(value)) for value in (1.0, 4.0)]
    found = round_log(synthesis=steps, student=[])
    assert {name: float(value) for name, value in found.items()} == {'synthesis/loss': 2.5}


def test_logs_without_figures_are_none():
    """They were an error of torch's, without a word of what it was about."""
    assert round_log(synthesis=[], student=[]) == {}
    assert round_log(synthesis=[{}, {}], student=[]) == {}
