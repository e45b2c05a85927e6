import json
import time
from types import SimpleNamespace

import pytest
import torch
from load_tool import load_tool
from torch import nn

from mmdfkd.models.classifiers import Classifier


class Evaluator:
    """An evaluation of a quarter of a second."""

    def eval(self, model):
        time.sleep(0.25)
        return {'Acc': (model, 100.0)}


def test_the_curve_has_training_time_without_evaluations(tmp_path):
    evaluator = type('Fresh', (Evaluator,), {'eval': Evaluator.eval})
    peer = SimpleNamespace(
        datafree=SimpleNamespace(evaluators=SimpleNamespace(Evaluator=evaluator))
    )
    load_tool('peer_benchmark/peer_curve').record(peer, seconds=0.3, file=tmp_path / 'curve.json')
    for accuracy in (10.0, 20.0):
        assert evaluator().eval(accuracy)['Acc'][0] == accuracy
    time.sleep(0.3)
    with pytest.raises(SystemExit) as stopped:
        evaluator().eval(30.0)
    assert stopped.value.code == 0
    curve = json.loads((tmp_path / 'curve.json').read_text())
    assert [accuracy for _, accuracy in curve] == [10, 20, 30]
    minutes = [minute for minute, _ in curve]
    assert minutes[1] < 0.2 / 60
    assert 0.3 / 60 < minutes[2] < 0.5 / 60


def test_a_network_of_ours_answers_as_the_peers_do():
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3))
    ours, images = (
        load_tool('peer_benchmark/peer_curve').PeerNetwork(Classifier(network)),
        torch.rand(2, 3, 2, 2),
    )
    logits, features = ours(images, return_features=True)
    torch.testing.assert_close(ours(images), logits)
    torch.testing.assert_close(logits, network(images))
    torch.testing.assert_close(features, network[:3](images))
