"""What every test shares; the conftest.py of each folder of tests imports it."""

import os
import pickle
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import config
from torch import nn
from yapf.yapflib.yapf_api import FormatCode


@pytest.fixture(autouse=True, scope='session')
def _formatted_once():
    """MMEngine formats a run's config five times, with yapf, which takes up to a second each."""
    formatted = {}

    def format_code(text, **options):
        key = text, repr(options)
        if key not in formatted:
            formatted[key] = FormatCode(text, **options)
        return formatted[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, 'FormatCode', format_code)
        yield


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def bn_network():
    """A tiny network with two batch norms whose running statistics are not the initial ones."""
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5),
        nn.Flatten(),
        nn.LazyLinear(3),
    )
    for _ in range(3):
        network(torch.rand(8, 3, 6, 6))
    return network.eval()


class CreatesFolder:
    """Unpickles by creating a folder: stands for any code that a pickle could run."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.fixture
def malicious(tmp_path):
    """An object whose plain unpickling creates the folder ``proof``, and ``proof``."""
    proof = tmp_path / 'proof'
    return CreatesFolder(proof), proof


@pytest.fixture
def proves_malice():
    """Make sure that a payload does act when it is unpickled without care."""

    def check(payload, proof):
        pickle.loads(pickle.dumps(payload))
        assert proof.exists()
        proof.rmdir()

    return check


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A web server of the folder ``folder`` at ``url``, what was asked of it, an empty cache."""
    monkeypatch.setattr('torch.hub._hub_dir', str(tmp_path / 'hub'))
    folder = tmp_path / 'served'
    folder.mkdir()
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            requests.append(self.path)

    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    yield SimpleNamespace(
        folder=folder, url=f'http://localhost:{server.server_port}', requests=requests
    )
    server.shutdown()
    thread.join()
    server.server_close()
