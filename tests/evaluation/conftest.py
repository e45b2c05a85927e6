"""An Inception whose weights are random."""

import pytest
import torch


@pytest.fixture(scope='session')
def inception_weights(tmp_path_factory):
    """A file of weights under which signals pass the whole network."""
    pytest.importorskip('torch_fidelity')
    from mmdfkd.evaluation.extractors import inception_v3

    torch.manual_seed(0)
    network = inception_v3()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity='relu')
    path = tmp_path_factory.mktemp('weights') / 'inception.pth'
    torch.save(network.state_dict(), path)
    return str(path)
